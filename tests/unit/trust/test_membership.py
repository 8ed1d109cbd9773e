"""What a program says of its own membership."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.houses import House
from wyoming_rosie.trust.identity import house_id
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.trust.roster import Roster

ISSUED = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = 86_400


def member_at(folder: Path, days: float) -> Membership:
    """Return a member, so many days after it got its certificate."""
    files = House(folder).add("asr", "asr", ISSUED)
    now = (ISSUED + timedelta(days=days)).timestamp()
    member = Membership.load(files, lambda: now)
    assert member is not None
    return member


@pytest.mark.parametrize(
    ("days", "problem"),
    [(0, None), (75, None), (77, "expires in 13 days"), (90.5, "has expired")],
    ids=["new", "15 days left", "13 days left", "expired"],
)
def test_a_certificate_that_is_not_renewed_is_a_problem_for_two_weeks(
    tmp_path: Path, days: float, problem: str | None
) -> None:
    found = member_at(tmp_path, days).find_problem()
    assert (found or "None").startswith("the certificate") == (problem is not None)
    assert (problem or "None") in (found or "None")


def test_a_certificate_is_renewed_after_two_thirds_of_its_life(tmp_path: Path) -> None:
    member = member_at(tmp_path, 0)
    assert member.renewal_due_at == (ISSUED + timedelta(days=60)).timestamp()


def test_a_refused_program_says_how_to_come_back(tmp_path: Path) -> None:
    member = member_at(tmp_path, 0)
    member.refusal = "this program was revoked"
    assert member.find_problem() == (
        "this program was revoked; pair it again: `wyoming-rosie pair NAME` on the hub's machine"
    )


def test_the_id_of_the_house_is_the_rosters_once_another_authority_took_over(tmp_path: Path) -> None:
    member = member_at(tmp_path, 0)
    assert member.house_id == house_id(member.identity.authorities)
    member.roster = Roster(house="0123456789abcdef")
    assert member.house_id == "0123456789abcdef"
