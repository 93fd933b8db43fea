from collections.abc import Mapping
from datetime import datetime

from skinapi.accounts.auth.account import Subject
from skinapi.base.values import Value
from skinapi.care.lesion_routes import PlaceView, ReminderView
from skinapi.care.message_records import Messages
from skinapi.care.message_routes import MessageView
from skinapi.care.reminders import reminder_of
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.findings.records.lesions import Lesions
from skinapi.findings.records.schemas.finding_parts import InstructionView


class FiledSpot(Value):
    """Includes spots without findings, which no list shows."""

    id: str
    created_at: datetime
    name: str | None
    place: PlaceView | None
    opened_at: datetime | None
    instruction: InstructionView | None
    reminder: ReminderView | None


class FiledMessage(MessageView):
    lesion: str | None


def describe_spots(
    of: Subject, lesions: Lesions, messages: Messages, records: FindingRecords
) -> Mapping[str, object]:
    language, spots = of.account.language, lesions.list_of(of.id)
    statuses = records.spots.read(spot.id for spot in spots)
    filed = []
    for spot in spots:
        if status := statuses.get(spot.id):
            counts, reminder = status.instruction, reminder_of(status)
            filed.append(
                FiledSpot.from_record(
                    spot,
                    instruction=counts
                    and InstructionView.from_instruction(counts, language, for_doctor=False),
                    reminder=reminder and ReminderView.from_reminder(reminder, language),
                )
            )
    written = messages.list_of(of.id)
    numbers = records.numbers_of([item.submission for item in written if item.submission])
    return {
        "spots": filed,
        "messages": [
            FiledMessage.from_record(
                MessageView.from_message(item, numbers.get(item.submission or ""), to=of.id), item
            )
            for item in written
        ],
    }
