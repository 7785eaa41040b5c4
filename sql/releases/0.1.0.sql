-- The schema of release 0.1.0, revision 0001; written by pg_dump, never run.

--
-- PostgreSQL database dump
--



SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: core; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA core;


--
-- Name: SCHEMA core; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA core IS 'Facts and the ledger: what was collected, what is missing and why.';


--
-- Name: mart; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA mart;


--
-- Name: SCHEMA mart; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA mart IS 'Views for people: points, daily figures, bills, coverage.';


--
-- Name: raw; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA raw;


--
-- Name: SCHEMA raw; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA raw IS 'Answers of the vendor as received, before anything is read from them.';


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: app; Type: TABLE; Schema: core; Owner: -
--

CREATE TABLE core.app (
    app_key integer NOT NULL,
    app_id text NOT NULL,
    name text NOT NULL,
    conn_id text NOT NULL,
    wanted_from date NOT NULL,
    wanted_until date,
    first_seen_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: TABLE app; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON TABLE core.app IS 'Grain: one App ID that was ever configured.';


--
-- Name: COLUMN app.app_key; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app.app_key IS 'Short key used by core.app_day.';


--
-- Name: COLUMN app.app_id; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app.app_id IS 'The vendor''s App ID.';


--
-- Name: COLUMN app.name; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app.name IS 'Name for people; the App ID where none was given.';


--
-- Name: COLUMN app.conn_id; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app.conn_id IS 'Account that owns the app.';


--
-- Name: COLUMN app.wanted_from; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app.wanted_from IS 'First usage date wanted every night.';


--
-- Name: COLUMN app.wanted_until; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app.wanted_until IS 'Last usage date wanted; null without end. Set to the day before when an app leaves the configuration.';


--
-- Name: COLUMN app.first_seen_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app.first_seen_at IS 'When the app was first configured.';


--
-- Name: app_day; Type: TABLE; Schema: core; Owner: -
--

CREATE TABLE core.app_day (
    app_key integer NOT NULL,
    usage_date date NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    points smallint NOT NULL,
    kbps double precision[],
    attempts integer NOT NULL,
    http_status smallint,
    reason text DEFAULT ''::text NOT NULL,
    collected_at timestamp with time zone,
    body_sha256 bytea,
    top_kbps double precision[] GENERATED ALWAYS AS ((array_sort(kbps, true, false))[1:15]) STORED,
    CONSTRAINT attempts_are_counted CHECK ((attempts >= 0)),
    CONSTRAINT grid_is_288_slots CHECK (((array_ndims(kbps) = 1) AND (array_lower(kbps, 1) = 1) AND (cardinality(kbps) = 288))),
    CONSTRAINT only_sound_days_have_a_grid CHECK ((((state = ANY (ARRAY['collected'::text, 'partial'::text])) = (kbps IS NOT NULL)) AND ((state = ANY (ARRAY['collected'::text, 'partial'::text])) <= ((collected_at IS NOT NULL) AND (body_sha256 IS NOT NULL))))),
    CONSTRAINT points_are_the_slots_present CHECK ((cardinality(array_remove(kbps, NULL::double precision)) = points)),
    CONSTRAINT points_match_state CHECK (
CASE
    WHEN (state = 'collected'::text) THEN (points = 288)
    WHEN (state = 'partial'::text) THEN ((points >= 0) AND (points <= 287))
    ELSE (points = 0)
END),
    CONSTRAINT rates_are_plausible CHECK ((((0)::double precision <= ALL (kbps)) AND (('100000000000'::numeric)::double precision >= ALL (kbps)))),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['pending'::text, 'collected'::text, 'partial'::text, 'rejected'::text, 'failed'::text, 'lost'::text])))
);


--
-- Name: TABLE app_day; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON TABLE core.app_day IS 'Grain: one App ID and usage date: ledger entry and points in one row, so they cannot disagree.';


--
-- Name: COLUMN app_day.app_key; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app_day.app_key IS 'App, see core.app.';


--
-- Name: COLUMN app_day.usage_date; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app_day.usage_date IS 'Usage date in the account''s time zone.';


--
-- Name: COLUMN app_day.starts_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app_day.starts_at IS 'Instant at which slot 1 starts; slot n starts (n - 1) × 5 minutes later.';


--
-- Name: COLUMN app_day.state; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app_day.state IS 'pending, collected (288 points), partial (fewer, all sound), rejected, failed or lost.';


--
-- Name: COLUMN app_day.points; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app_day.points IS 'How many points the vendor delivered.';


--
-- Name: COLUMN app_day.kbps; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app_day.kbps IS 'One element a five-minute slot, kbps; null where the vendor delivered none.';


--
-- Name: COLUMN app_day.attempts; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app_day.attempts IS 'How often the vendor was asked with a recorded outcome.';


--
-- Name: COLUMN app_day.http_status; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app_day.http_status IS 'Status of the last recorded answer; null without one.';


--
-- Name: COLUMN app_day.reason; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app_day.reason IS 'Why there are not 288 points; empty where there are.';


--
-- Name: COLUMN app_day.collected_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app_day.collected_at IS 'When the answer was received that the points are from.';


--
-- Name: COLUMN app_day.body_sha256; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app_day.body_sha256 IS 'Digest of that answer''s body, as in raw.bandwidth_response.';


--
-- Name: COLUMN app_day.top_kbps; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app_day.top_kbps IS 'The day''s fifteen largest points, descending, kbps; generated.';


--
-- Name: bandwidth_5min; Type: VIEW; Schema: mart; Owner: -
--

CREATE VIEW mart.bandwidth_5min AS
 SELECT app.app_id,
    app.name AS app_name,
    app_day.usage_date,
    (app_day.starts_at + (((point.slot - 1))::double precision * '00:05:00'::interval)) AS interval_start,
    point.kbps
   FROM ((core.app_day app_day
     JOIN core.app app ON ((app_day.app_key = app.app_key)))
     CROSS JOIN LATERAL unnest(app_day.kbps) WITH ORDINALITY point(kbps, slot))
  WHERE (point.kbps IS NOT NULL);


--
-- Name: VIEW bandwidth_5min; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON VIEW mart.bandwidth_5min IS 'Grain: one five-minute point. Filter on usage_date to read only the days you need.';


--
-- Name: COLUMN bandwidth_5min.app_id; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_5min.app_id IS 'The vendor''s App ID.';


--
-- Name: COLUMN bandwidth_5min.app_name; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_5min.app_name IS 'Name of the app for people.';


--
-- Name: COLUMN bandwidth_5min.usage_date; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_5min.usage_date IS 'Usage date in the account''s time zone.';


--
-- Name: COLUMN bandwidth_5min.interval_start; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_5min.interval_start IS 'Instant at which the five minutes start.';


--
-- Name: COLUMN bandwidth_5min.kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_5min.kbps IS 'Bandwidth of the five minutes in kbps (1,000 bits a second).';


--
-- Name: bandwidth_5min_between(timestamp with time zone, timestamp with time zone, text[]); Type: FUNCTION; Schema: mart; Owner: -
--

CREATE FUNCTION mart.bandwidth_5min_between(from_time timestamp with time zone, to_time timestamp with time zone, app_ids text[] DEFAULT NULL::text[]) RETURNS TABLE(app_id text, app_name text, usage_date date, interval_start timestamp with time zone, kbps double precision)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT point.app_id,
     point.app_name,
     point.usage_date,
     point.interval_start,
     point.kbps
    FROM mart.bandwidth_5min point
   WHERE ((point.usage_date >= (((bandwidth_5min_between.from_time AT TIME ZONE 'UTC'::text))::date - 1)) AND (point.usage_date <= (((bandwidth_5min_between.to_time AT TIME ZONE 'UTC'::text))::date + 1)) AND (point.interval_start >= bandwidth_5min_between.from_time) AND (point.interval_start < bandwidth_5min_between.to_time) AND ((bandwidth_5min_between.app_ids IS NULL) OR (point.app_id = ANY (bandwidth_5min_between.app_ids))));
END;


--
-- Name: FUNCTION bandwidth_5min_between(from_time timestamp with time zone, to_time timestamp with time zone, app_ids text[]); Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON FUNCTION mart.bandwidth_5min_between(from_time timestamp with time zone, to_time timestamp with time zone, app_ids text[]) IS 'Five-minute points from an instant (inclusive) to an instant (exclusive), of some apps or all.';


--
-- Name: app_app_key_seq; Type: SEQUENCE; Schema: core; Owner: -
--

ALTER TABLE core.app ALTER COLUMN app_key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.app_app_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: vendor_account; Type: TABLE; Schema: core; Owner: -
--

CREATE TABLE core.vendor_account (
    conn_id text NOT NULL,
    timezone text NOT NULL,
    window_length interval NOT NULL,
    learned_on date,
    oldest_served date,
    newest_refused date,
    refusal text,
    CONSTRAINT edge_is_adjacent CHECK ((((learned_on IS NULL) = (oldest_served IS NULL)) AND ((learned_on IS NULL) = (newest_refused IS NULL)) AND (newest_refused < oldest_served)))
);


--
-- Name: TABLE vendor_account; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON TABLE core.vendor_account IS 'Grain: one vendor account, as an Airflow connection. Also what was learned of its window''s edge.';


--
-- Name: COLUMN vendor_account.conn_id; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.vendor_account.conn_id IS 'Name of the Airflow connection.';


--
-- Name: COLUMN vendor_account.timezone; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.vendor_account.timezone IS 'IANA zone of the account''s usage dates; a zone without clock changes.';


--
-- Name: COLUMN vendor_account.window_length; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.vendor_account.window_length IS 'How long the vendor is expected to show a day: 1 month or N days.';


--
-- Name: COLUMN vendor_account.learned_on; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.vendor_account.learned_on IS 'Vendor''s date on which the edge was learned from its answers; null before.';


--
-- Name: COLUMN vendor_account.oldest_served; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.vendor_account.oldest_served IS 'Oldest usage date the vendor answered on that date.';


--
-- Name: COLUMN vendor_account.newest_refused; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.vendor_account.newest_refused IS 'Day before it, refused with 400 for the same app on that date.';


--
-- Name: COLUMN vendor_account.refusal; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.vendor_account.refusal IS 'The vendor''s words when it refused.';


--
-- Name: wanted_app_day; Type: VIEW; Schema: core; Owner: -
--

CREATE VIEW core.wanted_app_day AS
 WITH known AS NOT MATERIALIZED (
         SELECT app.app_key,
            app.app_id,
            app.name AS app_name,
            app.conn_id,
            app.wanted_from,
            app.wanted_until,
            account.window_length,
            ((now() AT TIME ZONE account.timezone))::date AS today
           FROM (core.app app
             JOIN core.vendor_account account ON ((app.conn_id = account.conn_id)))
        )
 SELECT known.app_key,
    known.app_id,
    known.app_name,
    known.conn_id,
    app_day.usage_date,
    app_day.starts_at,
    app_day.state,
    (app_day.points)::integer AS points,
    app_day.attempts,
    app_day.http_status,
    app_day.reason,
    app_day.collected_at,
    GREATEST(((app_day.usage_date + known.window_length))::date, ((((app_day.usage_date + 1) + known.window_length))::date - 1)) AS expires_on,
    known.today,
    app_day.kbps,
    app_day.top_kbps,
    (date_trunc('month'::text, (app_day.usage_date)::timestamp without time zone))::date AS month
   FROM (known
     JOIN core.app_day app_day ON ((known.app_key = app_day.app_key)))
  WHERE (app_day.usage_date < known.today)
UNION ALL
 SELECT known.app_key,
    known.app_id,
    known.app_name,
    known.conn_id,
    (day.usage_date)::date AS usage_date,
    NULL::timestamp with time zone AS starts_at,
    'pending'::text AS state,
    0 AS points,
    0 AS attempts,
    NULL::smallint AS http_status,
    'not asked yet'::text AS reason,
    NULL::timestamp with time zone AS collected_at,
    GREATEST(((day.usage_date + known.window_length))::date, ((((day.usage_date + '1 day'::interval) + known.window_length))::date - 1)) AS expires_on,
    known.today,
    NULL::double precision[] AS kbps,
    NULL::double precision[] AS top_kbps,
    (date_trunc('month'::text, day.usage_date))::date AS month
   FROM (known
     JOIN LATERAL generate_series((known.wanted_from)::timestamp without time zone, (LEAST(known.wanted_until, (known.today - 1)))::timestamp without time zone, '1 day'::interval) day(usage_date) ON (true))
  WHERE (NOT (EXISTS ( SELECT
           FROM core.app_day app_day
          WHERE ((app_day.app_key = known.app_key) AND (app_day.usage_date = (day.usage_date)::date)))));


--
-- Name: VIEW wanted_app_day; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON VIEW core.wanted_app_day IS 'Grain: one wanted app-day with its ledger entry, asked for or not.';


--
-- Name: COLUMN wanted_app_day.app_key; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.app_key IS 'App, see core.app.';


--
-- Name: COLUMN wanted_app_day.app_id; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.app_id IS 'The vendor''s App ID.';


--
-- Name: COLUMN wanted_app_day.app_name; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.app_name IS 'Name of the app for people.';


--
-- Name: COLUMN wanted_app_day.conn_id; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.conn_id IS 'Account that owns the app.';


--
-- Name: COLUMN wanted_app_day.usage_date; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.usage_date IS 'Usage date in the account''s time zone.';


--
-- Name: COLUMN wanted_app_day.starts_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.starts_at IS 'Instant at which the day''s first slot starts; null before it was asked.';


--
-- Name: COLUMN wanted_app_day.state; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.state IS 'pending, collected, partial, rejected, failed or lost.';


--
-- Name: COLUMN wanted_app_day.points; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.points IS 'How many points the vendor delivered, of 288.';


--
-- Name: COLUMN wanted_app_day.attempts; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.attempts IS 'How often the vendor was asked with a recorded outcome.';


--
-- Name: COLUMN wanted_app_day.http_status; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.http_status IS 'Status of the last recorded answer.';


--
-- Name: COLUMN wanted_app_day.reason; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.reason IS 'Why there are not 288 points; empty where there are.';


--
-- Name: COLUMN wanted_app_day.collected_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.collected_at IS 'When the answer was received that the points are from.';


--
-- Name: COLUMN wanted_app_day.expires_on; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.expires_on IS 'Last day on which the vendor is expected to show the usage date.';


--
-- Name: COLUMN wanted_app_day.today; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.today IS 'Today in the account''s time zone.';


--
-- Name: COLUMN wanted_app_day.kbps; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.kbps IS 'One element a five-minute slot, kbps; null where absent.';


--
-- Name: COLUMN wanted_app_day.top_kbps; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.top_kbps IS 'The day''s fifteen largest points, descending, kbps.';


--
-- Name: COLUMN wanted_app_day.month; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.wanted_app_day.month IS 'First day of the calendar month of usage_date.';


--
-- Name: bandwidth_daily; Type: VIEW; Schema: mart; Owner: -
--

CREATE VIEW mart.bandwidth_daily AS
 SELECT wanted.app_id,
    wanted.usage_date,
    wanted.points,
    288 AS expected_points,
    (day.sum_kbps / (NULLIF(wanted.points, 0))::double precision) AS mean_kbps,
    wanted.top_kbps[1] AS peak_kbps,
    wanted.top_kbps[(((5 * wanted.points) / 100) + 1)] AS p95_kbps,
    wanted.top_kbps[5] AS fifth_peak_kbps,
    (round((day.sum_kbps * (37500)::double precision)))::bigint AS volume_bytes
   FROM (core.wanted_app_day wanted
     CROSS JOIN LATERAL ( SELECT sum(point.kbps) AS sum_kbps
           FROM unnest(wanted.kbps) point(kbps)) day);


--
-- Name: VIEW bandwidth_daily; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON VIEW mart.bandwidth_daily IS 'Grain: one wanted app-day with its daily figures.';


--
-- Name: COLUMN bandwidth_daily.app_id; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_daily.app_id IS 'The vendor''s App ID.';


--
-- Name: COLUMN bandwidth_daily.usage_date; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_daily.usage_date IS 'Usage date in the account''s time zone.';


--
-- Name: COLUMN bandwidth_daily.points; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_daily.points IS 'Points observed.';


--
-- Name: COLUMN bandwidth_daily.expected_points; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_daily.expected_points IS 'Points of a complete day.';


--
-- Name: COLUMN bandwidth_daily.mean_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_daily.mean_kbps IS 'Mean of the points observed, kbps.';


--
-- Name: COLUMN bandwidth_daily.peak_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_daily.peak_kbps IS 'Largest point, kbps.';


--
-- Name: COLUMN bandwidth_daily.p95_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_daily.p95_kbps IS '95th percentile: with N points, the largest after dropping floor(5 N / 100), kbps.';


--
-- Name: COLUMN bandwidth_daily.fifth_peak_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_daily.fifth_peak_kbps IS 'Fifth largest point, kbps; null with fewer than five.';


--
-- Name: COLUMN bandwidth_daily.volume_bytes; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_daily.volume_bytes IS 'Bytes carried in the points observed, if a point is an average.';


--
-- Name: billing_monthly; Type: VIEW; Schema: mart; Owner: -
--

CREATE VIEW mart.billing_monthly AS
 SELECT month.app_id,
    month.month,
    month.points,
    month.expected_points,
    month.days,
    month.days_with_traffic,
    ranked.p95_kbps,
    month.peak_kbps,
    month.mean_daily_peak_kbps,
    month.mean_daily_p95_kbps,
    month.daily_peaks_kbps[4] AS fourth_peak_kbps,
    top_five.mean_kbps AS top_five_mean_kbps,
    (month.is_over AND (month.points = month.expected_points)) AS is_final
   FROM (((( SELECT wanted.app_key,
            wanted.app_id,
            wanted.month,
            sum(wanted.points) AS points,
            (288 * count(*)) AS expected_points,
            (((5 * sum(wanted.points)) / 100) + 1) AS p95_rank,
            count(*) FILTER (WHERE (wanted.points > 0)) AS days,
            count(*) FILTER (WHERE (wanted.top_kbps[1] > (0)::double precision)) AS days_with_traffic,
            max(wanted.top_kbps[1]) AS peak_kbps,
            (sum(wanted.top_kbps[1]) / (count(wanted.top_kbps[1]))::double precision) AS mean_daily_peak_kbps,
            (sum(wanted.top_kbps[(((5 * wanted.points) / 100) + 1)]) / (count(wanted.top_kbps[1]))::double precision) AS mean_daily_p95_kbps,
            array_agg(wanted.top_kbps[1] ORDER BY wanted.top_kbps[1] DESC NULLS LAST) AS daily_peaks_kbps,
            array_agg(wanted.top_kbps[5] ORDER BY wanted.top_kbps[5] DESC NULLS LAST) AS daily_fifths_kbps,
            array_agg(wanted.top_kbps) FILTER (WHERE (wanted.top_kbps IS NOT NULL)) AS tops_kbps,
            (min(wanted.today) >= (wanted.month + '1 mon'::interval)) AS is_over
           FROM core.wanted_app_day wanted
          GROUP BY wanted.app_key, wanted.app_id, wanted.month) month
     JOIN LATERAL ( SELECT (array_agg(top.kbps ORDER BY top.kbps DESC NULLS LAST))[month.p95_rank] AS kbps
           FROM unnest(month.tops_kbps) top(kbps)) least_p95 ON (true))
     JOIN LATERAL ( SELECT (array_agg(point.kbps ORDER BY point.kbps DESC))[month.p95_rank] AS p95_kbps
           FROM ( SELECT unnest(wanted.kbps) AS kbps
                   FROM core.wanted_app_day wanted
                  WHERE ((wanted.app_key = month.app_key) AND (wanted.month = month.month) AND (wanted.kbps IS NOT NULL))) point
          WHERE (point.kbps >= least_p95.kbps)) ranked ON (true))
     CROSS JOIN LATERAL ( SELECT (sum(fifth.kbps) / (count(fifth.kbps))::double precision) AS mean_kbps
           FROM unnest(month.daily_fifths_kbps[1:5]) fifth(kbps)) top_five);


--
-- Name: VIEW billing_monthly; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON VIEW mart.billing_monthly IS 'Grain: one App ID and calendar month, by every usual method of billing.';


--
-- Name: COLUMN billing_monthly.app_id; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly.app_id IS 'The vendor''s App ID.';


--
-- Name: COLUMN billing_monthly.month; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly.month IS 'First day of the calendar month.';


--
-- Name: COLUMN billing_monthly.points; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly.points IS 'Points observed.';


--
-- Name: COLUMN billing_monthly.expected_points; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly.expected_points IS '288 × the month''s wanted days up to yesterday.';


--
-- Name: COLUMN billing_monthly.days; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly.days IS 'Days with at least one point; the means divide by it.';


--
-- Name: COLUMN billing_monthly.days_with_traffic; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly.days_with_traffic IS 'Days with a point above zero.';


--
-- Name: COLUMN billing_monthly.p95_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly.p95_kbps IS '95th percentile: with N points, the largest after dropping floor(5 N / 100), kbps.';


--
-- Name: COLUMN billing_monthly.peak_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly.peak_kbps IS 'Largest point of the month, kbps.';


--
-- Name: COLUMN billing_monthly.mean_daily_peak_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly.mean_daily_peak_kbps IS 'Sum of the daily peaks ÷ days, kbps.';


--
-- Name: COLUMN billing_monthly.mean_daily_p95_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly.mean_daily_p95_kbps IS 'Sum of the daily 95th percentiles ÷ days, kbps.';


--
-- Name: COLUMN billing_monthly.fourth_peak_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly.fourth_peak_kbps IS 'Fourth largest daily peak, kbps; null with fewer than four days.';


--
-- Name: COLUMN billing_monthly.top_five_mean_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly.top_five_mean_kbps IS 'Mean of the five largest daily fifth peaks, kbps; of what there is with fewer, null with none.';


--
-- Name: COLUMN billing_monthly.is_final; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly.is_final IS 'The month is over and no expected point is absent.';


--
-- Name: billing_monthly_total; Type: VIEW; Schema: mart; Owner: -
--

CREATE VIEW mart.billing_monthly_total AS
 SELECT month.month,
    total.points,
    month.expected_points,
    total.days,
    total.days_with_traffic,
    total.p95_kbps,
    total.peak_kbps,
    total.mean_daily_peak_kbps,
    total.mean_daily_p95_kbps,
    total.daily_peaks_kbps[4] AS fourth_peak_kbps,
    top_five.mean_kbps AS top_five_mean_kbps,
    (month.is_over AND (month.app_points = month.expected_app_points)) AS is_final,
    month.app_points,
    month.expected_app_points
   FROM ((( SELECT wanted.month,
            (288 * count(DISTINCT wanted.usage_date)) AS expected_points,
            sum(wanted.points) AS app_points,
            (288 * count(*)) AS expected_app_points,
            (min(wanted.today) >= (wanted.month + '1 mon'::interval)) AS is_over
           FROM core.wanted_app_day wanted
          GROUP BY wanted.month) month
     JOIN LATERAL ( SELECT (COALESCE(sum(day.points), (0)::numeric))::bigint AS points,
            count(*) AS days,
            count(*) FILTER (WHERE (day.kbps[1] > (0)::double precision)) AS days_with_traffic,
            max(day.kbps[1]) AS peak_kbps,
            (sum(day.kbps[1]) / (count(*))::double precision) AS mean_daily_peak_kbps,
            (sum(day.kbps[(((5 * day.points) / 100) + 1)]) / (count(*))::double precision) AS mean_daily_p95_kbps,
            array_agg(day.kbps[1] ORDER BY day.kbps[1] DESC) AS daily_peaks_kbps,
            array_agg(day.kbps[5] ORDER BY day.kbps[5] DESC NULLS LAST) AS daily_fifths_kbps,
            ( SELECT (array_agg(point.kbps ORDER BY point.kbps DESC))[(((5 * count(*)) / 100) + 1)] AS array_agg
                   FROM unnest(array_agg(day.padded_kbps)) point(kbps)
                  WHERE (point.kbps IS NOT NULL)) AS p95_kbps
           FROM ( SELECT point.usage_date,
                    count(*) AS points,
                    array_agg(point.kbps ORDER BY point.kbps DESC) AS kbps,
                    (array_agg(point.kbps) || array_fill(NULL::double precision, ARRAY[(600 - (count(*))::integer)])) AS padded_kbps
                   FROM ( SELECT min(slot.usage_date) AS usage_date,
                            sum(slot.kbps) AS kbps
                           FROM ( SELECT wanted.starts_at,
                                    slot_1.number,
                                    min(wanted.usage_date) AS usage_date,
                                    sum(slot_1.kbps) AS kbps
                                   FROM (core.wanted_app_day wanted
                                     CROSS JOIN LATERAL unnest(wanted.kbps) WITH ORDINALITY slot_1(kbps, number))
                                  WHERE ((wanted.usage_date >= (month.month - 2)) AND (wanted.usage_date < (month.month + '1 mon 2 days'::interval)) AND (wanted.kbps IS NOT NULL) AND (slot_1.kbps IS NOT NULL))
                                  GROUP BY wanted.starts_at, slot_1.number) slot
                          GROUP BY (slot.starts_at + (((slot.number - 1))::double precision * '00:05:00'::interval))) point
                  WHERE ((point.usage_date >= month.month) AND (point.usage_date < (month.month + '1 mon'::interval)))
                  GROUP BY point.usage_date) day) total ON (true))
     CROSS JOIN LATERAL ( SELECT (sum(fifth.kbps) / (count(fifth.kbps))::double precision) AS mean_kbps
           FROM unnest(total.daily_fifths_kbps[1:5]) fifth(kbps)) top_five);


--
-- Name: VIEW billing_monthly_total; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON VIEW mart.billing_monthly_total IS 'Grain: one calendar month over the sum of all apps, by every usual method of billing.';


--
-- Name: COLUMN billing_monthly_total.month; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly_total.month IS 'First day of the calendar month.';


--
-- Name: COLUMN billing_monthly_total.points; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly_total.points IS 'Five-minute points at which any app was observed.';


--
-- Name: COLUMN billing_monthly_total.expected_points; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly_total.expected_points IS '288 × the days of the month up to yesterday on which any app is wanted.';


--
-- Name: COLUMN billing_monthly_total.days; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly_total.days IS 'Days with at least one point; the means divide by it.';


--
-- Name: COLUMN billing_monthly_total.days_with_traffic; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly_total.days_with_traffic IS 'Days with a sum above zero.';


--
-- Name: COLUMN billing_monthly_total.p95_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly_total.p95_kbps IS '95th percentile of the sums: with N points, the largest after dropping floor(5 N / 100), kbps.';


--
-- Name: COLUMN billing_monthly_total.peak_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly_total.peak_kbps IS 'Largest sum of the month, kbps.';


--
-- Name: COLUMN billing_monthly_total.mean_daily_peak_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly_total.mean_daily_peak_kbps IS 'Sum of the daily peaks ÷ days, kbps.';


--
-- Name: COLUMN billing_monthly_total.mean_daily_p95_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly_total.mean_daily_p95_kbps IS 'Sum of the daily 95th percentiles ÷ days, kbps.';


--
-- Name: COLUMN billing_monthly_total.fourth_peak_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly_total.fourth_peak_kbps IS 'Fourth largest daily peak, kbps; null with fewer than four days.';


--
-- Name: COLUMN billing_monthly_total.top_five_mean_kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly_total.top_five_mean_kbps IS 'Mean of the five largest daily fifth peaks, kbps; of what there is with fewer, null with none.';


--
-- Name: COLUMN billing_monthly_total.is_final; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly_total.is_final IS 'The month is over and no expected point of any app is absent.';


--
-- Name: COLUMN billing_monthly_total.app_points; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly_total.app_points IS 'Points observed, counted app by app.';


--
-- Name: COLUMN billing_monthly_total.expected_app_points; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.billing_monthly_total.expected_app_points IS '288 × wanted app-days of the month up to yesterday.';


--
-- Name: coverage; Type: VIEW; Schema: mart; Owner: -
--

CREATE VIEW mart.coverage AS
 SELECT app_id,
    usage_date,
    state,
    points,
    attempts,
    reason,
    expires_on,
    (expires_on - today) AS days_left
   FROM core.wanted_app_day wanted;


--
-- Name: VIEW coverage; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON VIEW mart.coverage IS 'Grain: one wanted app-day and its state.';


--
-- Name: COLUMN coverage.app_id; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.coverage.app_id IS 'The vendor''s App ID.';


--
-- Name: COLUMN coverage.usage_date; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.coverage.usage_date IS 'Usage date in the account''s time zone.';


--
-- Name: COLUMN coverage.state; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.coverage.state IS 'pending, collected (288 points), partial (fewer, all sound), rejected, failed or lost.';


--
-- Name: COLUMN coverage.points; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.coverage.points IS 'How many points the vendor delivered, of 288.';


--
-- Name: COLUMN coverage.attempts; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.coverage.attempts IS 'How often the vendor was asked with a recorded outcome.';


--
-- Name: COLUMN coverage.reason; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.coverage.reason IS 'Why there are not 288 points; empty where there are.';


--
-- Name: COLUMN coverage.expires_on; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.coverage.expires_on IS 'Last day on which the vendor is expected to show the usage date.';


--
-- Name: COLUMN coverage.days_left; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.coverage.days_left IS 'Days from today to expires_on; negative once it has passed.';


--
-- Name: warehouse_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.warehouse_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: bandwidth_response; Type: TABLE; Schema: raw; Owner: -
--

CREATE TABLE raw.bandwidth_response (
    response_key bigint NOT NULL,
    app_id text NOT NULL,
    usage_date date NOT NULL,
    fetched_at timestamp with time zone NOT NULL,
    http_status smallint NOT NULL,
    body bytea NOT NULL,
    body_sha256 bytea NOT NULL,
    fault text DEFAULT ''::text NOT NULL
)
WITH (toast_tuple_target='8160');


--
-- Name: TABLE bandwidth_response; Type: COMMENT; Schema: raw; Owner: -
--

COMMENT ON TABLE raw.bandwidth_response IS 'Grain: one received answer to a bandwidth call. Written and committed before it is decoded.';


--
-- Name: COLUMN bandwidth_response.response_key; Type: COMMENT; Schema: raw; Owner: -
--

COMMENT ON COLUMN raw.bandwidth_response.response_key IS 'Key, in order of arrival.';


--
-- Name: COLUMN bandwidth_response.app_id; Type: COMMENT; Schema: raw; Owner: -
--

COMMENT ON COLUMN raw.bandwidth_response.app_id IS 'App ID that was asked about.';


--
-- Name: COLUMN bandwidth_response.usage_date; Type: COMMENT; Schema: raw; Owner: -
--

COMMENT ON COLUMN raw.bandwidth_response.usage_date IS 'Usage date that was asked for.';


--
-- Name: COLUMN bandwidth_response.fetched_at; Type: COMMENT; Schema: raw; Owner: -
--

COMMENT ON COLUMN raw.bandwidth_response.fetched_at IS 'When the answer was complete.';


--
-- Name: COLUMN bandwidth_response.http_status; Type: COMMENT; Schema: raw; Owner: -
--

COMMENT ON COLUMN raw.bandwidth_response.http_status IS 'HTTP status of the answer.';


--
-- Name: COLUMN bandwidth_response.body; Type: COMMENT; Schema: raw; Owner: -
--

COMMENT ON COLUMN raw.bandwidth_response.body IS 'Bytes received, content encoding undone; readable with convert_from(body, ''UTF8'').';


--
-- Name: COLUMN bandwidth_response.body_sha256; Type: COMMENT; Schema: raw; Owner: -
--

COMMENT ON COLUMN raw.bandwidth_response.body_sha256 IS 'SHA-256 of body.';


--
-- Name: COLUMN bandwidth_response.fault; Type: COMMENT; Schema: raw; Owner: -
--

COMMENT ON COLUMN raw.bandwidth_response.fault IS 'Why the body is not whole (cut at the size cap, truncated, …); empty where it is.';


--
-- Name: bandwidth_response_response_key_seq; Type: SEQUENCE; Schema: raw; Owner: -
--

ALTER TABLE raw.bandwidth_response ALTER COLUMN response_key ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME raw.bandwidth_response_response_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: app app_app_id_key; Type: CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.app
    ADD CONSTRAINT app_app_id_key UNIQUE (app_id);


--
-- Name: app_day app_day_pkey; Type: CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.app_day
    ADD CONSTRAINT app_day_pkey PRIMARY KEY (app_key, usage_date);


--
-- Name: app app_pkey; Type: CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.app
    ADD CONSTRAINT app_pkey PRIMARY KEY (app_key);


--
-- Name: vendor_account vendor_account_pkey; Type: CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.vendor_account
    ADD CONSTRAINT vendor_account_pkey PRIMARY KEY (conn_id);


--
-- Name: warehouse_version warehouse_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.warehouse_version
    ADD CONSTRAINT warehouse_version_pkc PRIMARY KEY (version_num);


--
-- Name: bandwidth_response bandwidth_response_pkey; Type: CONSTRAINT; Schema: raw; Owner: -
--

ALTER TABLE ONLY raw.bandwidth_response
    ADD CONSTRAINT bandwidth_response_pkey PRIMARY KEY (response_key);


--
-- Name: app_day_collected_at; Type: INDEX; Schema: core; Owner: -
--

CREATE INDEX app_day_collected_at ON core.app_day USING brin (collected_at);


--
-- Name: app_day_incomplete; Type: INDEX; Schema: core; Owner: -
--

CREATE INDEX app_day_incomplete ON core.app_day USING btree (usage_date, app_key) WHERE (state <> 'collected'::text);


--
-- Name: app_day_month; Type: INDEX; Schema: core; Owner: -
--

CREATE INDEX app_day_month ON core.app_day USING btree (((date_trunc('month'::text, (usage_date)::timestamp without time zone))::date), app_key);


--
-- Name: bandwidth_response_app_day; Type: INDEX; Schema: raw; Owner: -
--

CREATE INDEX bandwidth_response_app_day ON raw.bandwidth_response USING btree (usage_date, app_id);


--
-- Name: bandwidth_response_fetched_at; Type: INDEX; Schema: raw; Owner: -
--

CREATE INDEX bandwidth_response_fetched_at ON raw.bandwidth_response USING brin (fetched_at);


--
-- Name: app app_conn_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.app
    ADD CONSTRAINT app_conn_id_fkey FOREIGN KEY (conn_id) REFERENCES core.vendor_account(conn_id);


--
-- Name: app_day app_day_app_key_fkey; Type: FK CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.app_day
    ADD CONSTRAINT app_day_app_key_fkey FOREIGN KEY (app_key) REFERENCES core.app(app_key);


--
-- Name: SCHEMA core; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA core TO loader;


--
-- Name: SCHEMA mart; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA mart TO loader;
GRANT USAGE ON SCHEMA mart TO analyst;


--
-- Name: SCHEMA raw; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA raw TO loader;


--
-- Name: TABLE app; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE core.app TO loader;


--
-- Name: TABLE app_day; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE core.app_day TO loader;


--
-- Name: TABLE bandwidth_5min; Type: ACL; Schema: mart; Owner: -
--

GRANT SELECT ON TABLE mart.bandwidth_5min TO loader;
GRANT SELECT ON TABLE mart.bandwidth_5min TO analyst;


--
-- Name: FUNCTION bandwidth_5min_between(from_time timestamp with time zone, to_time timestamp with time zone, app_ids text[]); Type: ACL; Schema: mart; Owner: -
--

REVOKE ALL ON FUNCTION mart.bandwidth_5min_between(from_time timestamp with time zone, to_time timestamp with time zone, app_ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION mart.bandwidth_5min_between(from_time timestamp with time zone, to_time timestamp with time zone, app_ids text[]) TO analyst;
GRANT ALL ON FUNCTION mart.bandwidth_5min_between(from_time timestamp with time zone, to_time timestamp with time zone, app_ids text[]) TO loader;


--
-- Name: FUNCTION lo_creat(integer); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.lo_creat(integer) FROM PUBLIC;


--
-- Name: FUNCTION lo_create(oid); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.lo_create(oid) FROM PUBLIC;


--
-- Name: FUNCTION lo_from_bytea(oid, bytea); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.lo_from_bytea(oid, bytea) FROM PUBLIC;


--
-- Name: FUNCTION pg_advisory_lock(bigint); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_lock(bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_advisory_lock(bigint) TO loader;


--
-- Name: FUNCTION pg_advisory_lock(integer, integer); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_lock(integer, integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_advisory_lock(integer, integer) TO loader;


--
-- Name: FUNCTION pg_advisory_lock_shared(bigint); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_lock_shared(bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_advisory_lock_shared(bigint) TO loader;


--
-- Name: FUNCTION pg_advisory_lock_shared(integer, integer); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_lock_shared(integer, integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_advisory_lock_shared(integer, integer) TO loader;


--
-- Name: FUNCTION pg_advisory_xact_lock(bigint); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_xact_lock(bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_advisory_xact_lock(bigint) TO loader;


--
-- Name: FUNCTION pg_advisory_xact_lock(integer, integer); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_xact_lock(integer, integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_advisory_xact_lock(integer, integer) TO loader;


--
-- Name: FUNCTION pg_advisory_xact_lock_shared(bigint); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_xact_lock_shared(bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_advisory_xact_lock_shared(bigint) TO loader;


--
-- Name: FUNCTION pg_advisory_xact_lock_shared(integer, integer); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_advisory_xact_lock_shared(integer, integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_advisory_xact_lock_shared(integer, integer) TO loader;


--
-- Name: FUNCTION pg_try_advisory_lock(bigint); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_lock(bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_try_advisory_lock(bigint) TO loader;


--
-- Name: FUNCTION pg_try_advisory_lock(integer, integer); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_lock(integer, integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_try_advisory_lock(integer, integer) TO loader;


--
-- Name: FUNCTION pg_try_advisory_lock_shared(bigint); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_lock_shared(bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_try_advisory_lock_shared(bigint) TO loader;


--
-- Name: FUNCTION pg_try_advisory_lock_shared(integer, integer); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_lock_shared(integer, integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_try_advisory_lock_shared(integer, integer) TO loader;


--
-- Name: FUNCTION pg_try_advisory_xact_lock(bigint); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_xact_lock(bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_try_advisory_xact_lock(bigint) TO loader;


--
-- Name: FUNCTION pg_try_advisory_xact_lock(integer, integer); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_xact_lock(integer, integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_try_advisory_xact_lock(integer, integer) TO loader;


--
-- Name: FUNCTION pg_try_advisory_xact_lock_shared(bigint); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_xact_lock_shared(bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_try_advisory_xact_lock_shared(bigint) TO loader;


--
-- Name: FUNCTION pg_try_advisory_xact_lock_shared(integer, integer); Type: ACL; Schema: pg_catalog; Owner: -
--

REVOKE ALL ON FUNCTION pg_catalog.pg_try_advisory_xact_lock_shared(integer, integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.pg_try_advisory_xact_lock_shared(integer, integer) TO loader;


--
-- Name: TABLE vendor_account; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE core.vendor_account TO loader;


--
-- Name: TABLE wanted_app_day; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT ON TABLE core.wanted_app_day TO loader;


--
-- Name: TABLE bandwidth_daily; Type: ACL; Schema: mart; Owner: -
--

GRANT SELECT ON TABLE mart.bandwidth_daily TO loader;
GRANT SELECT ON TABLE mart.bandwidth_daily TO analyst;


--
-- Name: TABLE billing_monthly; Type: ACL; Schema: mart; Owner: -
--

GRANT SELECT ON TABLE mart.billing_monthly TO loader;
GRANT SELECT ON TABLE mart.billing_monthly TO analyst;


--
-- Name: TABLE billing_monthly_total; Type: ACL; Schema: mart; Owner: -
--

GRANT SELECT ON TABLE mart.billing_monthly_total TO loader;
GRANT SELECT ON TABLE mart.billing_monthly_total TO analyst;


--
-- Name: TABLE coverage; Type: ACL; Schema: mart; Owner: -
--

GRANT SELECT ON TABLE mart.coverage TO loader;
GRANT SELECT ON TABLE mart.coverage TO analyst;


--
-- Name: TABLE bandwidth_response; Type: ACL; Schema: raw; Owner: -
--

GRANT SELECT,INSERT ON TABLE raw.bandwidth_response TO loader;


--
-- Name: DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: core; Owner: -
--

ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA core GRANT SELECT ON TABLES TO loader;


--
-- Name: DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: mart; Owner: -
--

ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA mart GRANT SELECT ON TABLES TO loader;
ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA mart GRANT SELECT ON TABLES TO analyst;


--
-- PostgreSQL database dump complete
--
