-- The least favourable status of several bills. Consumers: the bills that cover several apps.
create or replace function mart.worst_status(statuses text[])
returns text
language sql immutable parallel safe
begin atomic
    select case
        when 'running' = any(statuses) then 'running'
        when 'incomplete' = any(statuses) then 'incomplete'
        when 'part of the month' = any(statuses) then 'part of the month'
        when 'final' = any(statuses) then 'final'
    end;
end;

comment on function mart.worst_status is
'Return the least favourable status of several bills: running, incomplete, part of the month or final.';
grant execute on function mart.worst_status to public;
