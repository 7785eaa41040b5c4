-- Functions that apply a contract to a bill. Consumers: mart.billing_statement, mart.billing_closed,
-- analysts who compare contracts.
-- noqa: disable=AL03,AL08,RF01,RF02,RF03
-- (No table could qualify a parameter. The columns are named by the function.)

-- Prices are graduated: each tier's price applies to the part of the rate within the tier. The sum is exact and is
-- rounded once, half up.
create or replace function mart.billing_amount(billed_kbps numeric, tiers jsonb)
returns numeric
language sql immutable strict parallel safe
begin atomic
    select round(sum(tier.kbps * tier.price_per_mbps) * 0.001, 2)
    from (
        select
            given.price_per_mbps,
            -- least() ignores the null after the last tier.
            greatest(
                0, least(billed_kbps, lead(given.from_kbps) over (order by given.from_kbps)) - given.from_kbps
            ) as kbps
        from jsonb_to_recordset(tiers) as given (from_kbps numeric, price_per_mbps numeric)
    ) as tier;
end;

comment on function mart.billing_amount is
'Return the price of a rate for one billing period, rounded half up to two decimal places. Each tier''s price per Mbps'
' applies to the part of the rate within the tier.';
grant execute on function mart.billing_amount to public;

create or replace function mart.billing_by_contract(
    billing_group text, from_date date, to_date date, method text, commit_kbps numeric, tiers jsonb
)
returns table (
    status text,
    is_final boolean,
    app_points bigint,
    expected_app_points bigint,
    billable_kbps numeric,
    overage_kbps numeric,
    billed_kbps numeric,
    amount numeric,
    projected_kbps numeric
)
language sql stable
begin atomic
    select
        bill.status,
        bill.is_final,
        bill.app_points,
        bill.expected_app_points,
        bill.kbps,
        case when bill.kbps - commit_kbps is not null then round(greatest(0, bill.kbps - commit_kbps), 3) end,
        billed.kbps,
        mart.billing_amount(billed.kbps, tiers),
        case
            -- With fewer points, fewer than five days may have five points each, and the mean can still fall.
            when bill.status = 'running' and (method <> 'top_five_mean_kbps' or bill.points > 1136 + 4 * bill.days)
                then bill.kbps
        end
    from (
        select
            figures.*,
            case method
                when 'p95_kbps' then figures.p95_kbps
                when 'peak_kbps' then figures.peak_kbps
                when 'mean_daily_peak_kbps' then figures.mean_daily_peak_kbps
                when 'mean_daily_p95_kbps' then figures.mean_daily_p95_kbps
                when 'fourth_peak_kbps' then figures.fourth_peak_kbps
                when 'top_five_mean_kbps' then figures.top_five_mean_kbps
            end as kbps
        from mart.billing_between(from_date, to_date, null, billing_group) as figures
    ) as bill
    -- Without a rate, nothing is billed. greatest() alone would ignore the null and return the commit.
    cross join lateral (
        select case when bill.kbps is not null then round(greatest(bill.kbps, commit_kbps), 3) end as kbps
    ) as billed;
end;

comment on function mart.billing_by_contract is
'Return the bill of a billing group under a contract for the usage dates from from_date to to_date inclusive. The'
' result has one row, or no row if the period has no expected day that is over.';
grant execute on function mart.billing_by_contract to public;

-- The trend is the least-squares line through the method's daily values, computed with exact arithmetic. Each day that
-- has points and is over for every app of the group contributes its peak, its 95th percentile or its fifth peak,
-- depending on the method. The function runs with the owner's rights, because analysts may not read core.
create or replace function mart.days_until_commit(
    billing_group text, from_date date, to_date date, method text, commit_kbps numeric
)
returns integer
language sql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan -- as in mart.billing_between
begin atomic
    with day as (
        select
            (summed.usage_date - from_date)::numeric as number,
            summed.points,
            summed.top_kbps
        from core.summed_days(from_date, to_date, days_until_commit.billing_group, null) as summed
        where
            summed.usage_date < (
                select min(app.today) from core.app_calendar as app
                where app.billing_group = days_until_commit.billing_group
            )
    ),

    value as (
        select
            day.number,
            round(day.top_kbps[rank.number]::numeric, 3) as kbps
        from day
        cross join
            lateral (
                select
                    case
                        when method in ('p95_kbps', 'mean_daily_p95_kbps') then 5 * day.points / 100 + 1
                        when method = 'top_five_mean_kbps' then 5
                        else 1
                    end as number
            ) as rank
    ),

    total as (
        select
            count(*)::numeric as days,
            max(value.number) as last_number,
            sum(value.number) as numbers,
            sum(value.kbps) as kbps,
            count(*) * sum(value.number * value.kbps) - sum(value.number) * sum(value.kbps) as rise,
            count(*) * sum(value.number * value.number) - sum(value.number) * sum(value.number) as run
        from value
        where value.kbps is not null
    ),

    -- The line reaches the commit on the day with the number above / below.
    crossing as (
        select
            total.last_number,
            (total.days * commit_kbps - total.kbps) * total.run + total.rise * total.numbers as above,
            total.days * total.rise as below
        from total
        where total.days >= 7 and total.rise > 0
    ),

    first_day as (
        select
            div(crossing.above, crossing.below) + (mod(crossing.above, crossing.below) > 0)::integer
            - crossing.last_number as days
        from crossing
    )

    select greatest(0, first_day.days)::integer
    from first_day
    where first_day.days <= 365;
end;

comment on function mart.days_until_commit is
'Return the number of days from the last day with points until the linear trend of a billing group''s daily values in'
' the period reaches a commit. Return null if there are fewer than seven daily values, if the trend does not rise, or'
' if the number exceeds 365.';
revoke all on function mart.days_until_commit from public;
grant execute on function mart.days_until_commit to analyst, loader;
