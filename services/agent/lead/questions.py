"""What a call has to find out."""

from shared.profiles.model import REQUIRED_CONTACT, Localised, Question


def questions(localised: Localised) -> tuple[Question, ...]:
    """In order: the profile's questions, then a name and a phone number.

    The last two only when the profile does not ask for them itself: nobody could call back.
    """
    asked = {question.key for question in localised.questions}
    missing = [key for key in REQUIRED_CONTACT if key not in asked]
    return (
        *localised.questions,
        # Without words of its own: the model asks in the language of the call.
        *(
            Question.model_construct(
                key=key,
                question="",
                required=True,
                type="phone" if key == "phone" else "string",
                options=(),
            )
            for key in missing
        ),
    )
