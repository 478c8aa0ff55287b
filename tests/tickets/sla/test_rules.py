"""SLA targets follow from the history: named cases, and random ones against a reference that counts minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.tickets.models import OPEN_STATUSES, TicketStatus
from console.tickets.sla.rules import (
    PAUSING,
    Goals,
    Step,
    StepKind,
    Target,
    TargetKind,
    TargetState,
    derive,
    spans,
)
from tests.tickets.sla.minutes import MINUTE, ByTheMinute, works, works_always

FIRST, NEXT, SOLUTION = TargetKind
QUESTION, REPLY, STATUS = StepKind
OPEN, WAITING, HOLD, SOLVED, CLOSED = TicketStatus
GOALS: Goals = {FIRST: 60, NEXT: 120, SOLUTION: 480}
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
FRIDAY = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)


def question(at: datetime) -> Step:
    return Step(at, QUESTION)


def replied(at: datetime) -> Step:
    return Step(at, REPLY)


def moved(at: datetime, status: TicketStatus) -> Step:
    return Step(at, STATUS, status)


def at(hour: int, minute: int = 0, day: int = 23) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def sla_targets(*steps: Step, now: datetime, opened_at: datetime = MONDAY) -> dict[TargetKind, Target]:
    """Derive; of several next answers the last."""
    return {one.span.kind: one for one in derive(opened_at, steps, GOALS, ByTheMinute(), now)}


# --- Named cases ------------------------------------------------------------------------------------------------------


def test_friday_evening_runs_on_on_monday() -> None:
    found = sla_targets(question(FRIDAY), now=at(8), opened_at=FRIDAY)
    assert found[FIRST].due_at == at(9, 30)
    assert found[FIRST].elapsed == timedelta(minutes=30)
    assert found[FIRST].state is TargetState.RUNNING
    assert found[SOLUTION].due_at == at(16, 30)
    assert NEXT not in found


def test_a_pause_over_the_weekend_moves_the_due_time() -> None:
    steps = (question(FRIDAY), moved(FRIDAY + 10 * MINUTE, WAITING))
    waiting = sla_targets(*steps, now=at(10), opened_at=FRIDAY)
    assert waiting[FIRST].state is TargetState.PAUSED
    assert waiting[FIRST].due_at is None
    assert waiting[FIRST].risk_at is None
    assert waiting[FIRST].elapsed == timedelta(minutes=10)

    back = sla_targets(*steps, moved(at(11), OPEN), now=at(11, 30), opened_at=FRIDAY)
    assert back[FIRST].due_at == at(11, 50)
    assert back[FIRST].elapsed == timedelta(minutes=40)
    assert back[SOLUTION].due_at == at(10, 50, day=24)


def test_hold_stops_the_solution_and_not_the_answers() -> None:
    found = sla_targets(question(MONDAY), moved(at(9, 30), HOLD), now=at(9, 45))
    assert found[FIRST].state is TargetState.RUNNING
    assert found[SOLUTION].state is TargetState.PAUSED


def test_broken_before_the_pause_stays_broken() -> None:
    found = sla_targets(question(MONDAY), moved(at(10, 30), WAITING), now=at(12))
    assert found[FIRST].state is TargetState.OVERDUE
    assert found[FIRST].broken_at == at(10)


def test_met_up_to_and_including_the_due_instant() -> None:
    assert sla_targets(question(MONDAY), replied(at(10)), now=at(11))[FIRST].state is TargetState.MET
    late = sla_targets(question(MONDAY), replied(at(10) + timedelta(seconds=1)), now=at(11))[FIRST]
    assert late.state is TargetState.OVERDUE
    assert late.span.met_at == at(10) + timedelta(seconds=1)
    assert sla_targets(question(MONDAY), now=at(10))[FIRST].state is TargetState.RUNNING
    assert sla_targets(question(MONDAY), now=at(10) + timedelta(seconds=1))[FIRST].state is TargetState.OVERDUE


def test_next_answer_runs_from_the_oldest_unanswered_question() -> None:
    found = sla_targets(question(MONDAY), replied(at(9, 10)), question(at(9, 20)), question(at(9, 50)), now=at(10))
    assert found[NEXT].span.started_at == at(9, 20)
    assert found[NEXT].due_at == at(11, 20)
    assert found[FIRST].span.met_at == at(9, 10)


def test_what_we_began_owes_no_first_answer() -> None:
    found = sla_targets(replied(MONDAY), now=at(10))
    assert set(found) == {SOLUTION}
    assert set(sla_targets(replied(MONDAY), question(at(10)), now=at(11))) == {SOLUTION, NEXT}


def test_reopened_goes_on_where_it_stopped() -> None:
    steps = [question(MONDAY), replied(at(10)), moved(at(10), SOLVED)]
    assert sla_targets(*steps, now=at(12))[SOLUTION].state is TargetState.MET
    again = sla_targets(*steps, question(at(13)), moved(at(13), OPEN), now=at(13, 30))
    assert again[SOLUTION].state is TargetState.RUNNING
    assert again[SOLUTION].elapsed == timedelta(minutes=90)
    assert again[SOLUTION].due_at == at(12, day=24)
    assert again[NEXT].span.started_at == at(13)
    assert again[NEXT].span.pauses == ()


def test_solved_by_mistake_and_opened_again_by_us_still_owes_the_answer() -> None:
    steps = [question(MONDAY), moved(at(9, 20), SOLVED), moved(at(9, 40), OPEN)]
    found = sla_targets(*steps, now=at(9, 50))
    assert found[FIRST].state is TargetState.RUNNING
    assert found[FIRST].due_at == at(10, 20)


def test_solving_without_an_answer_ends_the_target_and_a_new_question_begins_another() -> None:
    steps = [question(MONDAY), moved(at(9, 20), SOLVED)]
    assert sla_targets(*steps, now=at(12))[FIRST].span.met_at == at(9, 20)
    again = sla_targets(*steps, question(at(11)), moved(at(11), OPEN), now=at(12))
    assert again[FIRST].span.met_at == at(9, 20)
    assert again[NEXT].span.started_at == at(11)


def test_closing_what_was_solved_changes_nothing() -> None:
    found = sla_targets(question(MONDAY), replied(at(10)), moved(at(10), SOLVED), moved(at(15), CLOSED), now=at(16))
    assert found[SOLUTION].span.met_at == at(10)


def test_older_messages_of_a_split_ticket_count_from_its_opening() -> None:
    old = [question(at(9) - timedelta(days=3)), replied(at(9) - timedelta(days=2)), question(at(9) - timedelta(days=1))]
    found = spans(MONDAY, old)
    assert [(one.kind, one.started_at, one.met_at) for one in found] == [
        (FIRST, MONDAY, MONDAY),
        (NEXT, MONDAY, None),
        (SOLUTION, MONDAY, None),
    ]


def test_of_several_spans_in_one_instant_the_last_counts() -> None:
    long_ago = [Step(MONDAY - n * MINUTE, kind) for n, kind in enumerate([QUESTION, REPLY] * 4)]
    keys = [(one.kind, one.started_at) for one in spans(MONDAY, long_ago[::-1])]
    assert len(keys) == len(set(keys))


def test_without_a_goal_the_time_is_taken() -> None:
    (first, _solution) = derive(MONDAY, [question(MONDAY), replied(at(10))], {}, ByTheMinute(), at(11))
    assert first.state is TargetState.NONE
    assert first.due_at is None
    assert first.elapsed == timedelta(hours=1)


def test_a_calendar_that_never_opens_sets_no_due_time() -> None:
    (first, _solution) = derive(MONDAY, [question(MONDAY)], GOALS, ByTheMinute(lambda _minute: False), at(11))
    assert first.due_at is None
    assert first.state is TargetState.RUNNING


# --- Against a reference ----------------------------------------------------------------------------------------------


@dataclass
class ReferenceTarget:
    """One target, measured minute by minute."""

    kind: TargetKind
    started_at: datetime
    used: int = 0
    met_at: datetime | None = None
    used_up_at: datetime | None = None


class Reference:
    """Reads the clock and the history a minute at a time; it knows no intervals and no due times."""

    def __init__(self, history: list[Step], now: datetime, *, always: bool) -> None:
        self.works = works_always if always else works
        self.status = OPEN
        ours = next((step.kind for step in history if step.kind is not STATUS), QUESTION) is REPLY
        self.all = [ReferenceTarget(SOLUTION, MONDAY)]
        self.owed: ReferenceTarget | None = None
        self.is_answered = ours
        if not ours:
            self._owe(FIRST, MONDAY)
        minute, ahead = MONDAY, list(history)
        while minute <= now:
            while ahead and ahead[0].at == minute:
                self._happens(ahead.pop(0))
            if minute < now:
                self._tick(minute)
            minute += MINUTE

    def _owe(self, kind: TargetKind, since: datetime) -> None:
        self.owed = ReferenceTarget(kind, since)
        self.all.append(self.owed)

    def _happens(self, step: Step) -> None:
        if step.kind is QUESTION:
            if self.owed is not None and self.owed.met_at is not None:
                self.owed, self.is_answered = None, True
            if self.owed is None:
                self._owe(NEXT if self.is_answered else FIRST, step.at)
        elif step.kind is REPLY:
            if self.owed is not None and self.owed.met_at is None:
                self.owed.met_at = step.at
            self.owed, self.is_answered = None, True
        elif step.status is not None and step.status is not self.status:
            self.status = step.status
            for one in (self.all[0], self.owed):
                if one is not None:
                    solved = self.status not in OPEN_STATUSES
                    one.met_at = (one.met_at or step.at) if solved else None

    def _tick(self, minute: datetime) -> None:
        for one in (self.all[0], self.owed):
            if one is None or one.met_at is not None or not self.works(minute):
                continue
            if self.status in PAUSING[one.kind] or self.status not in OPEN_STATUSES:
                continue
            one.used += 1
            if one.used == GOALS[one.kind]:
                one.used_up_at = minute + MINUTE


STEPS = st.lists(
    st.tuples(
        st.integers(1, 400),
        st.one_of(
            st.just((QUESTION, None)), st.just((REPLY, None)), st.sampled_from([(STATUS, s) for s in TicketStatus])
        ),
    ),
    max_size=14,
)


@given(steps=STEPS, after=st.integers(0, 1_500), first=st.sampled_from([QUESTION, REPLY]), always=st.booleans())
def test_equals_the_reference(
    steps: list[tuple[int, tuple[StepKind, TicketStatus | None]]], after: int, first: StepKind, always: bool
) -> None:
    history, moment = [Step(MONDAY, first)], MONDAY
    for gap, (kind, status) in steps:
        moment += gap * MINUTE
        history.append(Step(moment, kind, status))
    now = moment + after * MINUTE
    calendar = ByTheMinute(works_always) if always else ByTheMinute()

    found = {(one.span.kind, one.span.started_at): one for one in derive(MONDAY, history, GOALS, calendar, now)}
    expected = Reference(history, now, always=always).all

    assert set(found) == {(one.kind, one.started_at) for one in expected}
    for one in expected:
        sla_target = found[one.kind, one.started_at]
        assert sla_target.span.met_at == one.met_at
        assert sla_target.elapsed == one.used * MINUTE
        late = one.used_up_at is not None and (one.met_at or now) > one.used_up_at
        assert sla_target.broken_at == (one.used_up_at if late else None)
        if one.used_up_at is not None:
            assert sla_target.due_at == one.used_up_at


@pytest.mark.parametrize("status", [WAITING, HOLD, SOLVED])
def test_pauses_follow_each_other_and_only_the_last_lasts(status: TicketStatus) -> None:
    history = [question(MONDAY)]
    for hour in range(10, 16):
        history.append(moved(at(hour), status if hour % 2 else OPEN))
    for span in spans(MONDAY, history):
        ends = [pause.end for pause in span.pauses]
        assert None not in ends[:-1]
        assert all(pause.start < (pause.end or at(17)) for pause in span.pauses)
        assert list(span.pauses) == sorted(span.pauses, key=lambda pause: pause.start)
