"""What came of the demo's journeys: a marimo notebook.

`marimo edit notebooks/journeys.py` opens it, `python notebooks/journeys.py` runs it; before that, `make run` makes the
demo. For a project of your own put its folder, the one with `onward.toml`, where `PROJECT` is.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Journeys")

with app.setup:
    from pathlib import Path

    import marimo as mo

    from onward import funnel, journey_map, lift_forest, open_reports, survival

    PROJECT = Path(__file__).resolve().parent.parent / "demo"
    WORKFLOW = "coupon_follow_up"


@app.cell
def summary():
    with open_reports(PROJECT) as con:
        workflows = con.sql("from report_workflow_summary").pl()
    mo.vstack([mo.md("## How the workflows stand"), workflows])
    return (workflows,)


@app.cell
def map_of_a_workflow():
    journey = journey_map(WORKFLOW, PROJECT)
    mo.vstack([mo.md("## Where customers went"), journey])
    return (journey,)


@app.cell
def funnel_of_a_workflow():
    steps = funnel(WORKFLOW, PROJECT)
    mo.vstack([mo.md("## Who reached each step"), steps, steps.frame])
    return (steps,)


@app.cell
def time_to_the_goal():
    curve = survival(WORKFLOW, PROJECT)
    mo.vstack([mo.md("## How long until the goal"), curve])
    return (curve,)


@app.cell
def experiments():
    lifts = lift_forest(reports=PROJECT)
    mo.vstack([mo.md("## Did it help?"), lifts])
    return (lifts,)


@app.cell
def a_question_of_ones_own():
    question = """
        select strftime(entered_at, '%Y-%m') as month, count(*) as entered, count(converted_at) as converted
        from executions
        where workflow_id = $workflow and status <> 'held_out'
        group by month
        order by month
    """
    with open_reports(PROJECT) as asked:
        months = asked.sql(question, params={"workflow": WORKFLOW}).pl()
    mo.vstack([mo.md("## Anything else is SQL"), months])
    return (months,)


if __name__ == "__main__":
    app.run()
