-- One row per step of every version of every workflow.
select * from program_steps where $customer is not null and $until is not null
