"""What a compiled program says of itself, whatever the workflows."""

from hypothesis import given, settings

from tests.engine.interface import program_of
from tests.engine.strategies import cases
from tests.semantics.cases import Case


@settings(max_examples=50)
@given(cases())
def test_steps_and_flows_know_their_numbers(case: Case) -> None:
    program = program_of(case)
    assert [one.index for one in program.steps] == list(range(len(program.steps)))
    assert [one.index for one in program.flows] == list(range(len(program.flows)))
    assert all(flow.first <= flow.end <= flow.last for flow in program.flows)
    assert all(
        step.flow == flow.index
        for flow in program.flows
        for step in program.steps[flow.first : flow.last + 1]
    )
