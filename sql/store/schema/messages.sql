-- One row per accepted message, and what became of it at dispatch.
create table messages (
    message_id varchar not null,
    execution_id varchar not null,
    workflow_id varchar not null,
    customer_id varchar not null,
    entered_at timestamptz,
    branch varchar,
    step varchar,
    "at" timestamptz not null,
    template_id varchar,
    transactional boolean,
    version varchar,
    tick_id bigint,
    status varchar,
    status_reason varchar,
    sent_at timestamptz,
    channel varchar,
    message_class varchar
)
