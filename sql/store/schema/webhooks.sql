-- One row per queued webhook request, and what became of it at dispatch.
create table webhooks (
    webhook_id varchar not null,
    execution_id varchar not null,
    workflow_id varchar not null,
    customer_id varchar not null,
    entered_at timestamptz,
    branch varchar,
    step varchar,
    "at" timestamptz not null,
    url varchar,
    version varchar,
    tick_id bigint,
    status varchar,
    status_reason varchar,
    sent_at timestamptz,
    transactional boolean,
    channel varchar,
    message_class varchar
)
