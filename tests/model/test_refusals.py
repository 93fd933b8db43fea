from skinapi.model.conditions import conditions_table
from skinapi.model.refusals import Reason, refuse, translate_refusal


def test_reasons_and_the_tables_notices_are_the_same() -> None:
    assert {reason.value for reason in Reason} == set(conditions_table().notices.refused)


def test_a_refusal_names_its_figures_in_each_language() -> None:
    refused = refuse(Reason.TOO_MANY_SCANS, scans=900, most=64)
    assert "900 scans; at most 64" in refused.detail
    assert "900 passes\u00a0; 64 au plus" in translate_refusal(refused, "fr").detail
