"""The small parts: ids and voices."""

from shared.ids import is_uuid, uuid7
from shared.voices import ALIASES, VOICES, resolve


def test_ids_sort_by_time_and_are_uuids() -> None:
    ids = [uuid7() for _ in range(50)]
    assert all(is_uuid(one) and one[14] == "7" and one[19] in "89ab" for one in ids)
    assert len(set(ids)) == 50
    assert ids[0][:12] <= ids[-1][:12]
    assert not is_uuid("call:1")


def test_voices_of_the_predecessor_keep_their_gender() -> None:
    women, men = ("anushka", "manisha", "vidya", "arya"), ("abhilash", "karun", "hitesh")
    table = VOICES["bulbul:v3"]
    assert all(table[ALIASES[name]].gender == "female" for name in women)
    assert all(table[ALIASES[name]].gender == "male" for name in men)


def test_a_voice_that_the_model_lacks_warns_and_becomes_the_default() -> None:
    assert resolve("arya", "bulbul:v3") == ("shreya", None)
    assert resolve(None, "bulbul:v3", "priya") == ("priya", None)
    voice, warning = resolve("nobody", "bulbul:v3", "priya")
    assert voice == "priya"
    assert warning
    assert "nobody" in warning
    assert resolve(None, "bulbul:v3") == ("shubh", None)
