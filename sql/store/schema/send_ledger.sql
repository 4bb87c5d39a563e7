-- One row: the id of the send ledger that knows what this state has handed over; none before it was first opened.
create table if not exists send_ledger (
    id varchar not null
)
