"""The errors that only the registry raises."""

from skinapi.errors import Conflict


class GatesNotPassed(Conflict):
    code = "gates_not_passed"
    sentence = "The model does not pass the gates"


class ModelChanged(Conflict):
    code = "model_changed"
    sentence = "Another request has just changed this. Look again, then try again."
