-- The schema of release 1.0.0, revision 0006; written by pg_dump, never run.

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


--
-- Name: dates_in(datemultirange); Type: FUNCTION; Schema: mart; Owner: -
--

CREATE FUNCTION mart.dates_in(ranges datemultirange) RETURNS SETOF date
    LANGUAGE sql IMMUTABLE ROWS 1 PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    BEGIN ATOMIC
 SELECT (day.usage_date)::date AS usage_date
    FROM (unnest(dates_in.ranges) period(period)
      CROSS JOIN LATERAL generate_series((lower(period.period))::timestamp without time zone, ((upper(period.period) - 1))::timestamp without time zone, '1 day'::interval) day(usage_date));
END;


--
-- Name: FUNCTION dates_in(ranges datemultirange); Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON FUNCTION mart.dates_in(ranges datemultirange) IS 'The dates of a multirange that has a first and a last one.';


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
    first_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    wanted datemultirange NOT NULL,
    kept_since date,
    removed_on date,
    CONSTRAINT wanted_has_a_first_day CHECK ((NOT lower_inf(wanted)))
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
-- Name: COLUMN app.first_seen_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app.first_seen_at IS 'When the app was first configured.';


--
-- Name: COLUMN app.wanted; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app.wanted IS 'Usage dates wanted every night. Ends the day before the app leaves the configuration; another period begins when it comes back.';


--
-- Name: COLUMN app.kept_since; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app.kept_since IS 'Older days were dropped by retention and are not wanted any more; null where none were.';


--
-- Name: COLUMN app.removed_on; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.app.removed_on IS 'Day on which the app left the configuration; null while it is configured.';


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
)
WITH (autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='1000');


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
-- Name: changed_app_day; Type: TABLE; Schema: core; Owner: -
--

CREATE TABLE core.changed_app_day (
    app_key integer NOT NULL,
    usage_date date NOT NULL,
    starts_at timestamp with time zone NOT NULL
);


--
-- Name: TABLE changed_app_day; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON TABLE core.changed_app_day IS 'Grain: one change of an app-day''s points since core.refresh_figures ran last; written by triggers of core.app_day.';


--
-- Name: COLUMN changed_app_day.app_key; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.changed_app_day.app_key IS 'App, see core.app.';


--
-- Name: COLUMN changed_app_day.usage_date; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.changed_app_day.usage_date IS 'Usage date whose points were added, changed or taken back.';


--
-- Name: COLUMN changed_app_day.starts_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.changed_app_day.starts_at IS 'Start of the day that the points have, or had.';


--
-- Name: entered_days; Type: TABLE; Schema: core; Owner: -
--

CREATE TABLE core.entered_days (
    app_key integer NOT NULL,
    usage_dates datemultirange NOT NULL
);


--
-- Name: TABLE entered_days; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON TABLE core.entered_days IS 'Grain: one App ID: days that had a ledger entry when core.refresh_figures ran last, not necessarily all of them. Of these, only those that core.changed_app_day has can be without one.';


--
-- Name: COLUMN entered_days.app_key; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.entered_days.app_key IS 'App, see core.app.';


--
-- Name: COLUMN entered_days.usage_dates; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.entered_days.usage_dates IS 'Usage dates that have a row in core.app_day.';


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
-- Name: known_app; Type: VIEW; Schema: core; Owner: -
--

CREATE VIEW core.known_app AS
 SELECT app.app_key,
    app.app_id,
    app.name AS app_name,
    app.conn_id,
    account.timezone,
    account.window_length,
    calendar.today,
    ((app.wanted * datemultirange(daterange(app.kept_since, NULL::date))) * datemultirange(daterange(NULL::date, calendar.today))) AS wanted
   FROM ((core.app app
     JOIN core.vendor_account account ON ((app.conn_id = account.conn_id)))
     CROSS JOIN LATERAL ( SELECT ((now() AT TIME ZONE account.timezone))::date AS today) calendar);


--
-- Name: VIEW known_app; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON VIEW core.known_app IS 'Grain: one App ID with its account''s calendar.';


--
-- Name: COLUMN known_app.app_key; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.known_app.app_key IS 'App, see core.app.';


--
-- Name: COLUMN known_app.app_id; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.known_app.app_id IS 'The vendor''s App ID.';


--
-- Name: COLUMN known_app.app_name; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.known_app.app_name IS 'Name of the app for people.';


--
-- Name: COLUMN known_app.conn_id; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.known_app.conn_id IS 'Account that owns the app.';


--
-- Name: COLUMN known_app.timezone; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.known_app.timezone IS 'IANA zone of the account''s usage dates.';


--
-- Name: COLUMN known_app.window_length; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.known_app.window_length IS 'How long the vendor is expected to show a day.';


--
-- Name: COLUMN known_app.today; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.known_app.today IS 'Today in the account''s time zone.';


--
-- Name: COLUMN known_app.wanted; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.known_app.wanted IS 'Usage dates up to yesterday that the configuration wants, less what retention dropped.';


--
-- Name: wanted_app_day; Type: VIEW; Schema: core; Owner: -
--

CREATE VIEW core.wanted_app_day AS
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
   FROM (core.known_app known
     JOIN core.app_day app_day ON ((known.app_key = app_day.app_key)))
  WHERE (app_day.usage_date < known.today)
UNION ALL
 SELECT known.app_key,
    known.app_id,
    known.app_name,
    known.conn_id,
    day.usage_date,
    NULL::timestamp with time zone AS starts_at,
    'pending'::text AS state,
    0 AS points,
    0 AS attempts,
    NULL::smallint AS http_status,
    'not asked yet'::text AS reason,
    NULL::timestamp with time zone AS collected_at,
    GREATEST(((day.usage_date + known.window_length))::date, ((((day.usage_date + 1) + known.window_length))::date - 1)) AS expires_on,
    known.today,
    NULL::double precision[] AS kbps,
    NULL::double precision[] AS top_kbps,
    (date_trunc('month'::text, (day.usage_date)::timestamp without time zone))::date AS month
   FROM ((((core.known_app known
     LEFT JOIN core.entered_days entered ON ((known.app_key = entered.app_key)))
     LEFT JOIN ( SELECT change.app_key,
            range_agg(daterange(change.usage_date, (change.usage_date + 1))) AS usage_dates
           FROM core.changed_app_day change
          GROUP BY change.app_key) noted ON ((known.app_key = noted.app_key)))
     CROSS JOIN LATERAL ( SELECT (known.wanted - (COALESCE(entered.usage_dates, '{}'::datemultirange) - COALESCE(noted.usage_dates, '{}'::datemultirange))) AS usage_dates) open)
     CROSS JOIN LATERAL mart.dates_in(open.usage_dates) day(usage_date))
  WHERE ((NOT isempty(open.usage_dates)) AND (NOT (EXISTS ( SELECT
           FROM core.app_day app_day
          WHERE ((app_day.app_key = known.app_key) AND (app_day.usage_date = day.usage_date))
         OFFSET 0))));


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
-- Name: forget_app_days(date); Type: FUNCTION; Schema: core; Owner: -
--

CREATE FUNCTION core.forget_app_days(before date) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    BEGIN ATOMIC
 WITH kept AS (
          UPDATE core.app app SET kept_since = forget_app_days.before
           WHERE ((forget_app_days.before <= (CURRENT_DATE - 62)) AND ((app.kept_since IS NULL) OR (app.kept_since < forget_app_days.before)) AND (NOT (EXISTS ( SELECT
                    FROM core.wanted_app_day wanted
                   WHERE ((wanted.app_key = app.app_key) AND (wanted.usage_date < forget_app_days.before) AND ((wanted.state = ANY (ARRAY['pending'::text, 'failed'::text, 'rejected'::text])) OR (wanted.expires_on >= wanted.today)))))))
           RETURNING app.app_key
         ), forgotten AS (
          DELETE FROM core.app_day app_day
            USING kept
           WHERE ((app_day.app_key = kept.app_key) AND (app_day.usage_date < forget_app_days.before))
           RETURNING app_day.app_key
         )
  SELECT count(*) AS count
    FROM forgotten;
END;


--
-- Name: FUNCTION forget_app_days(before date); Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON FUNCTION core.forget_app_days(before date) IS 'Drops app-days before a date, but for apps that have an earlier day that is not final.';


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
WITH (toast_tuple_target='8160', autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='1000');


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
-- Name: forget_raw_answers(date); Type: FUNCTION; Schema: core; Owner: -
--

CREATE FUNCTION core.forget_raw_answers(of_usage_date date) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    BEGIN ATOMIC
 WITH forgotten AS (
          DELETE FROM raw.bandwidth_response answer
           WHERE ((answer.usage_date = forget_raw_answers.of_usage_date) AND (forget_raw_answers.of_usage_date < (CURRENT_DATE - 62)) AND (NOT (EXISTS ( SELECT
                    FROM core.wanted_app_day wanted
                   WHERE ((wanted.usage_date = forget_raw_answers.of_usage_date) AND (wanted.app_id = answer.app_id) AND ((wanted.state = ANY (ARRAY['pending'::text, 'failed'::text, 'rejected'::text])) OR (wanted.expires_on >= wanted.today) OR ((wanted.state = 'lost'::text) AND ((answer.http_status >= 200) AND (answer.http_status <= 299)))))))))
           RETURNING answer.response_key
         )
  SELECT count(*) AS count
    FROM forgotten;
END;


--
-- Name: FUNCTION forget_raw_answers(of_usage_date date); Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON FUNCTION core.forget_raw_answers(of_usage_date date) IS 'Drops the raw answers of a usage date, but for days that are not final or were never read.';


--
-- Name: note_changed_points(); Type: FUNCTION; Schema: core; Owner: -
--

CREATE FUNCTION core.note_changed_points() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
    case tg_op
        when 'INSERT' then
            insert into core.changed_app_day (app_key, usage_date, starts_at)
            select app_key, usage_date, starts_at from new_rows where kbps is not null;
        when 'DELETE' then
            -- Without points, too: the day has no ledger entry any more.
            insert into core.changed_app_day (app_key, usage_date, starts_at)
            select app_key, usage_date, starts_at from old_rows;
        when 'UPDATE' then
            -- Where only the ledger's part changed, no figure does.
            insert into core.changed_app_day (app_key, usage_date, starts_at)
            select app_key, usage_date, starts_at
            from (
                (
                    select app_key, usage_date, starts_at, kbps from old_rows where kbps is not null
                    except
                    select app_key, usage_date, starts_at, kbps from new_rows where kbps is not null
                )
                union all
                (
                    select app_key, usage_date, starts_at, kbps from new_rows where kbps is not null
                    except
                    select app_key, usage_date, starts_at, kbps from old_rows where kbps is not null
                )
            ) as change
            union all
            -- The day it was has no ledger entry any more.
            select app_key, usage_date, starts_at from old_rows as moved
            where
                kbps is null
                and not exists (
                    select from new_rows as kept
                    where kept.app_key = moved.app_key and kept.usage_date = moved.usage_date
                );
        when 'TRUNCATE' then
            delete from core.month_p95;
            delete from core.day_sum;
            delete from core.entered_days;
    end case;
    return null;
end
$$;


--
-- Name: FUNCTION note_changed_points(); Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON FUNCTION core.note_changed_points() IS 'Trigger: notes in core.changed_app_day whose points a statement changed, in the same transaction.';


--
-- Name: refresh_figures(integer); Type: FUNCTION; Schema: core; Owner: -
--

CREATE FUNCTION core.refresh_figures(most_changes integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
declare
    changes bigint;
begin
    -- One at a time, each with a snapshot from after the one before: a statement's begins when it does. The points
    -- first, as truncate locks them.
    lock table core.app_day in access share mode;
    lock table core.month_p95 in share row exclusive mode;

    with change as (
        delete from core.changed_app_day
        where ctid = any(array(select ctid from core.changed_app_day limit most_changes))
        returning app_key, usage_date, starts_at
    ),
    changed_month as (
        select distinct app_key, date_trunc('month', usage_date::timestamp)::date as month from change
    ),
    month as (
        select
            changed_month.app_key,
            changed_month.month,
            5 * sum(app_day.points) / 100 + 1 as p95_rank,
            max(app_day.usage_date) filter (where app_day.points > 0) as last_day,
            array_agg(app_day.top_kbps) filter (where app_day.points > 0) as tops_kbps,
            range_agg(daterange(app_day.usage_date, app_day.usage_date + 1))
                filter (where app_day.usage_date is not null) as entered
        from changed_month
        left join core.app_day as app_day
            on
                changed_month.app_key = app_day.app_key
                and changed_month.month = date_trunc('month', app_day.usage_date::timestamp)::date
        group by changed_month.app_key, changed_month.month
    ),
    month_now as (
        select month.app_key, month.month, month.last_day, ranked.p95_kbps
        from month
        -- As in mart.billing_monthly: no smaller point can have the rank.
        cross join lateral (
            select (array_agg(top.kbps order by top.kbps desc nulls last))[month.p95_rank] as kbps
            from unnest(month.tops_kbps) as top (kbps)
        ) as least_p95
        cross join lateral (
            select (array_agg(point.kbps order by point.kbps desc))[month.p95_rank] as p95_kbps
            from (
                select unnest(app_day.kbps) as kbps
                from core.app_day as app_day
                where
                    app_day.app_key = month.app_key
                    and date_trunc('month', app_day.usage_date::timestamp)::date = month.month
            ) as point
            where point.kbps >= least_p95.kbps
        ) as ranked
    ),
    months_stored as (
        merge into core.month_p95 as stored
        using month_now on stored.app_key = month_now.app_key and stored.month = month_now.month
        when matched and month_now.p95_kbps is null then delete
        when matched then update set p95_kbps = month_now.p95_kbps, last_day = month_now.last_day
        when not matched and month_now.p95_kbps is not null then
            insert (app_key, month, p95_kbps, last_day)
            values (month_now.app_key, month_now.month, month_now.p95_kbps, month_now.last_day)
    ),
    entered_now as (
        select
            app_key,
            range_agg(daterange(month, (month + interval '1 month')::date)) as looked_at,
            coalesce(range_agg(entered), '{}') as usage_dates
        from month
        group by app_key
    ),
    days_entered as (
        merge into core.entered_days as stored
        using entered_now on stored.app_key = entered_now.app_key
        when matched then
            update set usage_dates = stored.usage_dates - entered_now.looked_at + entered_now.usage_dates
        when not matched then
            insert (app_key, usage_dates) values (entered_now.app_key, entered_now.usage_dates)
    ),
    day_now as (
        select changed_day.usage_date, changed_day.starts_at, summed.kbps, summed.apps
        from (select distinct usage_date, starts_at from change) as changed_day
        cross join lateral (
            select
                array_agg(slot.kbps order by slot.number) as kbps,
                array_agg(slot.apps order by slot.number) as apps
            from (
                select slot.number, sum(slot.kbps) as kbps, count(slot.kbps)::integer as apps
                from core.app_day as app_day
                cross join lateral unnest(app_day.kbps) with ordinality as slot (kbps, number)
                where
                    app_day.usage_date = changed_day.usage_date
                    and app_day.starts_at = changed_day.starts_at
                group by slot.number
            ) as slot
        ) as summed
    ),
    days_stored as (
        merge into core.day_sum as stored
        using day_now on stored.usage_date = day_now.usage_date and stored.starts_at = day_now.starts_at
        when matched and day_now.kbps is null then delete
        when matched then update set kbps = day_now.kbps, apps = day_now.apps
        when not matched and day_now.kbps is not null then
            insert (usage_date, starts_at, kbps, apps)
            values (day_now.usage_date, day_now.starts_at, day_now.kbps, day_now.apps)
    )
    select count(*) into changes from change;
    return changes;
end
$$;


--
-- Name: FUNCTION refresh_figures(most_changes integer); Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON FUNCTION core.refresh_figures(most_changes integer) IS 'Stores the 95th percentiles, sums and entered days of what changed since it ran last, at most so many changes at once, and says how many there were.';


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
   WHERE (((point.usage_date >= (((bandwidth_5min_between.from_time AT TIME ZONE 'UTC'::text))::date - 1)) AND (point.usage_date <= (((bandwidth_5min_between.to_time AT TIME ZONE 'UTC'::text))::date + 1))) AND (point.interval_start >= bandwidth_5min_between.from_time) AND (point.interval_start < bandwidth_5min_between.to_time) AND ((bandwidth_5min_between.app_ids IS NULL) OR (point.app_id = ANY (bandwidth_5min_between.app_ids))));
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
-- Name: collection_run; Type: TABLE; Schema: core; Owner: -
--

CREATE TABLE core.collection_run (
    dag_id text NOT NULL,
    run_id text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone DEFAULT now() NOT NULL,
    app_days integer NOT NULL,
    app_days_changed integer NOT NULL,
    points bigint NOT NULL,
    requests integer NOT NULL,
    retries integer NOT NULL,
    limited integer NOT NULL,
    failed_apps integer NOT NULL,
    collected integer NOT NULL,
    partial integer NOT NULL,
    rejected integer NOT NULL,
    failed integer NOT NULL,
    lost integer NOT NULL,
    pending integer NOT NULL,
    CONSTRAINT every_app_day_has_a_state CHECK ((app_days = (((((collected + partial) + rejected) + failed) + lost) + pending)))
);


--
-- Name: TABLE collection_run; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON TABLE core.collection_run IS 'Grain: one collecting run that ended. A run that is cleared and runs again says what it did last.';


--
-- Name: COLUMN collection_run.dag_id; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.dag_id IS 'The DAG.';


--
-- Name: COLUMN collection_run.run_id; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.run_id IS 'Airflow''s name of the run.';


--
-- Name: COLUMN collection_run.started_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.started_at IS 'When the run began.';


--
-- Name: COLUMN collection_run.ended_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.ended_at IS 'When its last step wrote this.';


--
-- Name: COLUMN collection_run.app_days; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.app_days IS 'App-days asked for.';


--
-- Name: COLUMN collection_run.app_days_changed; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.app_days_changed IS 'How many of them got points since the run began.';


--
-- Name: COLUMN collection_run.points; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.points IS 'How many points those have.';


--
-- Name: COLUMN collection_run.requests; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.requests IS 'Requests of the collecting tasks, retries included; those of a task that was killed are not known.';


--
-- Name: COLUMN collection_run.retries; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.retries IS 'How many of them asked once more after a 429, a 5xx or no answer.';


--
-- Name: COLUMN collection_run.limited; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.limited IS 'How many of them were answered 429.';


--
-- Name: COLUMN collection_run.failed_apps; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.failed_apps IS 'Apps of which a day failed or was rejected.';


--
-- Name: COLUMN collection_run.collected; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.collected IS 'App-days with 288 points when the run ended.';


--
-- Name: COLUMN collection_run.partial; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.partial IS 'App-days with fewer points, all sound.';


--
-- Name: COLUMN collection_run.rejected; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.rejected IS 'App-days whose answer breaks the vendor''s contract.';


--
-- Name: COLUMN collection_run.failed; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.failed IS 'App-days without a usable answer.';


--
-- Name: COLUMN collection_run.lost; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.lost IS 'App-days out of the vendor''s window, never collected.';


--
-- Name: COLUMN collection_run.pending; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.collection_run.pending IS 'App-days not asked, because a task ended before.';


--
-- Name: day_sum; Type: TABLE; Schema: core; Owner: -
--

CREATE TABLE core.day_sum (
    usage_date date NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    kbps double precision[] NOT NULL,
    apps integer[] NOT NULL
);


--
-- Name: TABLE day_sum; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON TABLE core.day_sum IS 'Grain: one usage date and start of it: all apps summed when core.refresh_figures ran last. Only counts while core.changed_app_day has none of its app-days.';


--
-- Name: COLUMN day_sum.usage_date; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.day_sum.usage_date IS 'Usage date.';


--
-- Name: COLUMN day_sum.starts_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.day_sum.starts_at IS 'Instant at which slot 1 starts; accounts of other time zones have others.';


--
-- Name: COLUMN day_sum.kbps; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.day_sum.kbps IS 'One sum a five-minute slot, kbps; null where no app has a point.';


--
-- Name: COLUMN day_sum.apps; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.day_sum.apps IS 'How many apps have a point, one element a five-minute slot.';


--
-- Name: fresh_day_sum; Type: VIEW; Schema: core; Owner: -
--

CREATE VIEW core.fresh_day_sum AS
 SELECT usage_date,
    starts_at,
    kbps,
    apps
   FROM core.day_sum stored
  WHERE ((usage_date < ( SELECT min(((now() AT TIME ZONE account.timezone))::date) AS min
           FROM core.vendor_account account)) AND (NOT (EXISTS ( SELECT
           FROM core.changed_app_day changed
          WHERE ((changed.usage_date = stored.usage_date) AND (changed.starts_at = stored.starts_at))))));


--
-- Name: VIEW fresh_day_sum; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON VIEW core.fresh_day_sum IS 'Grain: one usage date and start of it whose stored sum of all apps is what the points give.';


--
-- Name: COLUMN fresh_day_sum.usage_date; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.fresh_day_sum.usage_date IS 'Usage date; over for every account.';


--
-- Name: COLUMN fresh_day_sum.starts_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.fresh_day_sum.starts_at IS 'Instant at which slot 1 starts.';


--
-- Name: COLUMN fresh_day_sum.kbps; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.fresh_day_sum.kbps IS 'One sum a five-minute slot, kbps; null where no app has a point.';


--
-- Name: COLUMN fresh_day_sum.apps; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.fresh_day_sum.apps IS 'How many apps have a point, one element a five-minute slot.';


--
-- Name: month_p95; Type: TABLE; Schema: core; Owner: -
--

CREATE TABLE core.month_p95 (
    app_key integer NOT NULL,
    month date NOT NULL,
    p95_kbps double precision NOT NULL,
    last_day date NOT NULL
);


--
-- Name: TABLE month_p95; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON TABLE core.month_p95 IS 'Grain: one App ID and calendar month: its 95th percentile when core.refresh_figures ran last. Only counts while core.changed_app_day has none of its days.';


--
-- Name: COLUMN month_p95.app_key; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.month_p95.app_key IS 'App, see core.app.';


--
-- Name: COLUMN month_p95.month; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.month_p95.month IS 'First day of the calendar month.';


--
-- Name: COLUMN month_p95.p95_kbps; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.month_p95.p95_kbps IS '95th percentile of the points of all the month''s days, kbps.';


--
-- Name: COLUMN month_p95.last_day; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.month_p95.last_day IS 'Last usage date with points; the bills take the figure once that day is over.';


--
-- Name: fresh_month_p95; Type: VIEW; Schema: core; Owner: -
--

CREATE VIEW core.fresh_month_p95 AS
 SELECT app_key,
    month,
    p95_kbps,
    last_day
   FROM core.month_p95 stored
  WHERE (NOT (EXISTS ( SELECT
           FROM core.changed_app_day changed
          WHERE ((changed.app_key = stored.app_key) AND ((date_trunc('month'::text, (changed.usage_date)::timestamp without time zone))::date = stored.month)))));


--
-- Name: VIEW fresh_month_p95; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON VIEW core.fresh_month_p95 IS 'Grain: one App ID and calendar month whose stored 95th percentile is what its points give.';


--
-- Name: COLUMN fresh_month_p95.app_key; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.fresh_month_p95.app_key IS 'App, see core.app.';


--
-- Name: COLUMN fresh_month_p95.month; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.fresh_month_p95.month IS 'First day of the calendar month.';


--
-- Name: COLUMN fresh_month_p95.p95_kbps; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.fresh_month_p95.p95_kbps IS '95th percentile of the points of all the month''s days, kbps.';


--
-- Name: COLUMN fresh_month_p95.last_day; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.fresh_month_p95.last_day IS 'Last usage date with points; the bills take the figure once that day is over.';


--
-- Name: push_stream_state; Type: TABLE; Schema: core; Owner: -
--

CREATE TABLE core.push_stream_state (
    app_id text NOT NULL,
    conn_id text NOT NULL,
    enabled boolean NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    answers integer NOT NULL,
    CONSTRAINT answers_are_counted CHECK ((answers >= 1)),
    CONSTRAINT stretch_does_not_end_before_it_begins CHECK ((first_seen_at <= last_seen_at))
);


--
-- Name: TABLE push_stream_state; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON TABLE core.push_stream_state IS 'Grain: one App ID and one uninterrupted stretch in which the vendor gave the same answer. The newest is the current one.';


--
-- Name: COLUMN push_stream_state.app_id; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.push_stream_state.app_id IS 'App ID that was asked about.';


--
-- Name: COLUMN push_stream_state.conn_id; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.push_stream_state.conn_id IS 'Account that asked last.';


--
-- Name: COLUMN push_stream_state.enabled; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.push_stream_state.enabled IS 'The answer: whether push-streaming is enabled for the app.';


--
-- Name: COLUMN push_stream_state.first_seen_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.push_stream_state.first_seen_at IS 'When the stretch''s first answer was received; the change itself lies between the answer before and this.';


--
-- Name: COLUMN push_stream_state.last_seen_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.push_stream_state.last_seen_at IS 'When its last answer was received.';


--
-- Name: COLUMN push_stream_state.answers; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.push_stream_state.answers IS 'How many answers said so; one that arrived after a newer one is not among them.';


--
-- Name: request_pace; Type: TABLE; Schema: core; Owner: -
--

CREATE TABLE core.request_pace (
    conn_id text NOT NULL,
    state jsonb NOT NULL
);


--
-- Name: TABLE request_pace; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON TABLE core.request_pace IS 'Grain: one vendor account: how fast it may be asked at present, shared by all tasks.';


--
-- Name: COLUMN request_pace.conn_id; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.request_pace.conn_id IS 'Account, see core.vendor_account.';


--
-- Name: COLUMN request_pace.state; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.request_pace.state IS 'Rate, next free moment and what was learned from 429s.';


--
-- Name: restatement; Type: TABLE; Schema: core; Owner: -
--

CREATE TABLE core.restatement (
    app_key integer NOT NULL,
    usage_date date NOT NULL,
    restated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    points_changed smallint NOT NULL,
    points_added smallint NOT NULL,
    old_collected_at timestamp with time zone NOT NULL,
    new_collected_at timestamp with time zone,
    old_body_sha256 bytea NOT NULL,
    new_body_sha256 bytea
);


--
-- Name: TABLE restatement; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON TABLE core.restatement IS 'Grain: one replacement of an app-day''s points by others, or their withdrawal.';


--
-- Name: COLUMN restatement.app_key; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.restatement.app_key IS 'App, see core.app.';


--
-- Name: COLUMN restatement.usage_date; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.restatement.usage_date IS 'Usage date in the account''s time zone.';


--
-- Name: COLUMN restatement.restated_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.restatement.restated_at IS 'When the points were replaced here.';


--
-- Name: COLUMN restatement.points_changed; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.restatement.points_changed IS 'How many points that were held are another number now, or absent.';


--
-- Name: COLUMN restatement.points_added; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.restatement.points_added IS 'How many points were absent before.';


--
-- Name: COLUMN restatement.old_collected_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.restatement.old_collected_at IS 'When the answer was received that the old points were from.';


--
-- Name: COLUMN restatement.new_collected_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.restatement.new_collected_at IS 'When the answer was received that the new points are from; null where none were left.';


--
-- Name: COLUMN restatement.old_body_sha256; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.restatement.old_body_sha256 IS 'Digest of the old answer''s body, as in raw.bandwidth_response.';


--
-- Name: COLUMN restatement.new_body_sha256; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.restatement.new_body_sha256 IS 'Digest of the new one''s; the same where it is only read anew.';


--
-- Name: summed_day; Type: VIEW; Schema: core; Owner: -
--

CREATE VIEW core.summed_day AS
 SELECT stored.usage_date,
    stored.starts_at,
    stored.kbps,
    stored.apps
   FROM core.fresh_day_sum stored
UNION ALL
 SELECT day.usage_date,
    day.starts_at,
    summed.kbps,
    summed.apps
   FROM (( SELECT DISTINCT app_day.usage_date,
            app_day.starts_at
           FROM core.app_day app_day
          WHERE ((app_day.points > 0) AND (NOT (EXISTS ( SELECT
                   FROM core.fresh_day_sum stored
                  WHERE ((stored.usage_date = app_day.usage_date) AND (stored.starts_at = app_day.starts_at))))))) day
     CROSS JOIN LATERAL ( SELECT array_agg(slot.kbps ORDER BY slot.number) AS kbps,
            array_agg(slot.apps ORDER BY slot.number) AS apps
           FROM ( SELECT slot_1.number,
                    sum(slot_1.kbps) AS kbps,
                    (count(slot_1.kbps))::integer AS apps
                   FROM (core.wanted_app_day wanted
                     CROSS JOIN LATERAL unnest(wanted.kbps) WITH ORDINALITY slot_1(kbps, number))
                  WHERE ((wanted.usage_date = day.usage_date) AND (wanted.starts_at = day.starts_at) AND (wanted.kbps IS NOT NULL))
                  GROUP BY slot_1.number) slot) summed)
  WHERE (summed.kbps IS NOT NULL);


--
-- Name: VIEW summed_day; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON VIEW core.summed_day IS 'Grain: one usage date that is over and start of it: all apps of one time zone summed.';


--
-- Name: COLUMN summed_day.usage_date; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.summed_day.usage_date IS 'Usage date.';


--
-- Name: COLUMN summed_day.starts_at; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.summed_day.starts_at IS 'Instant at which slot 1 starts.';


--
-- Name: COLUMN summed_day.kbps; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.summed_day.kbps IS 'One sum a five-minute slot, kbps; null where no app has a point.';


--
-- Name: COLUMN summed_day.apps; Type: COMMENT; Schema: core; Owner: -
--

COMMENT ON COLUMN core.summed_day.apps IS 'How many apps have a point, one element a five-minute slot.';


--
-- Name: app; Type: VIEW; Schema: mart; Owner: -
--

CREATE VIEW mart.app AS
 SELECT known.app_id,
    known.app_name,
    known.conn_id,
    known.timezone,
    LEAST(lower(known.wanted), entered.first_date) AS first_date,
    GREATEST((upper(known.wanted) - 1), entered.last_date) AS last_date
   FROM (core.known_app known
     CROSS JOIN LATERAL ( SELECT ( SELECT min(app_day.usage_date) AS min
                   FROM core.app_day app_day
                  WHERE (app_day.app_key = known.app_key)) AS first_date,
            ( SELECT max(app_day.usage_date) AS max
                   FROM core.app_day app_day
                  WHERE ((app_day.app_key = known.app_key) AND (app_day.usage_date < known.today))) AS last_date) entered)
  WHERE ((NOT isempty(known.wanted)) OR (entered.first_date < known.today));


--
-- Name: VIEW app; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON VIEW mart.app IS 'Grain: one App ID with a wanted day up to yesterday.';


--
-- Name: COLUMN app.app_id; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.app.app_id IS 'The vendor''s App ID.';


--
-- Name: COLUMN app.app_name; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.app.app_name IS 'Name of the app for people.';


--
-- Name: COLUMN app.conn_id; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.app.conn_id IS 'Account that owns the app.';


--
-- Name: COLUMN app.timezone; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.app.timezone IS 'IANA zone of the account''s usage dates.';


--
-- Name: COLUMN app.first_date; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.app.first_date IS 'First usage date that is wanted or was asked for.';


--
-- Name: COLUMN app.last_date; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.app.last_date IS 'Last one, yesterday at most.';


--
-- Name: bandwidth_5min_total; Type: VIEW; Schema: mart; Owner: -
--

CREATE VIEW mart.bandwidth_5min_total AS
 SELECT day.usage_date,
    day.starts_at AS day_starts_at,
    (day.starts_at + (((point.slot - 1))::double precision * '00:05:00'::interval)) AS interval_start,
    point.kbps,
    point.apps
   FROM (core.summed_day day
     CROSS JOIN LATERAL UNNEST(day.kbps, day.apps) WITH ORDINALITY point(kbps, apps, slot))
  WHERE (point.kbps IS NOT NULL);


--
-- Name: VIEW bandwidth_5min_total; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON VIEW mart.bandwidth_5min_total IS 'Grain: one five-minute interval, all apps of a time zone summed. Filter on usage_date.';


--
-- Name: COLUMN bandwidth_5min_total.usage_date; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_5min_total.usage_date IS 'Usage date in the accounts'' time zone, up to yesterday.';


--
-- Name: COLUMN bandwidth_5min_total.day_starts_at; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_5min_total.day_starts_at IS 'Instant at which the usage date starts there.';


--
-- Name: COLUMN bandwidth_5min_total.interval_start; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_5min_total.interval_start IS 'Instant at which the five minutes start.';


--
-- Name: COLUMN bandwidth_5min_total.kbps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_5min_total.kbps IS 'Sum over the apps that have a point, in kbps (1,000 bits a second).';


--
-- Name: COLUMN bandwidth_5min_total.apps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.bandwidth_5min_total.apps IS 'How many apps have a point.';


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
    COALESCE(stored.p95_kbps, ( SELECT (array_agg(point.kbps ORDER BY point.kbps DESC))[month.p95_rank] AS array_agg
           FROM ( SELECT unnest(wanted.kbps) AS kbps
                   FROM core.wanted_app_day wanted
                  WHERE ((wanted.app_key = month.app_key) AND (wanted.month = month.month) AND (wanted.kbps IS NOT NULL))) point
          WHERE (point.kbps >= ( SELECT (array_agg(top.kbps ORDER BY top.kbps DESC NULLS LAST))[month.p95_rank] AS array_agg
                   FROM unnest(month.tops_kbps) top(kbps))))) AS p95_kbps,
    month.peak_kbps,
    month.mean_daily_peak_kbps,
    month.mean_daily_p95_kbps,
    month.daily_peaks_kbps[4] AS fourth_peak_kbps,
    top_five.mean_kbps AS top_five_mean_kbps,
    ((month.today >= (month.month + '1 mon'::interval)) AND (month.points = month.expected_points)) AS is_final
   FROM ((( SELECT wanted.app_key,
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
            min(wanted.today) AS today
           FROM core.wanted_app_day wanted
          GROUP BY wanted.app_key, wanted.app_id, wanted.month) month
     LEFT JOIN core.fresh_month_p95 stored ON (((month.app_key = stored.app_key) AND (month.month = stored.month) AND (month.today > stored.last_day))))
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
                   FROM ( SELECT min(day_1.usage_date) AS usage_date,
                            sum(slot.kbps) AS kbps
                           FROM (core.summed_day day_1
                             CROSS JOIN LATERAL unnest(day_1.kbps) WITH ORDINALITY slot(kbps, number))
                          WHERE ((day_1.usage_date >= (month.month - 2)) AND (day_1.usage_date < (month.month + '1 mon 2 days'::interval)) AND (slot.kbps IS NOT NULL))
                          GROUP BY (day_1.starts_at + (((slot.number - 1))::double precision * '00:05:00'::interval))) point
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
-- Name: collection_run; Type: VIEW; Schema: mart; Owner: -
--

CREATE VIEW mart.collection_run AS
 SELECT dag_id,
    run_id,
    started_at,
    ended_at,
    app_days,
    app_days_changed,
    points,
    requests,
    retries,
    limited,
    failed_apps,
    collected,
    partial,
    rejected,
    failed,
    lost,
    pending
   FROM core.collection_run run;


--
-- Name: VIEW collection_run; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON VIEW mart.collection_run IS 'Grain: one collecting run that ended. A run that is cleared and runs again says what it did last.';


--
-- Name: COLUMN collection_run.dag_id; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.dag_id IS 'The DAG.';


--
-- Name: COLUMN collection_run.run_id; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.run_id IS 'Airflow''s name of the run.';


--
-- Name: COLUMN collection_run.started_at; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.started_at IS 'When the run began.';


--
-- Name: COLUMN collection_run.ended_at; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.ended_at IS 'When its last step wrote this.';


--
-- Name: COLUMN collection_run.app_days; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.app_days IS 'App-days asked for.';


--
-- Name: COLUMN collection_run.app_days_changed; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.app_days_changed IS 'How many of them got points since the run began.';


--
-- Name: COLUMN collection_run.points; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.points IS 'How many points those have.';


--
-- Name: COLUMN collection_run.requests; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.requests IS 'Requests of the collecting tasks, retries included; those of a task that was killed are not known.';


--
-- Name: COLUMN collection_run.retries; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.retries IS 'How many of them asked once more after a 429, a 5xx or no answer.';


--
-- Name: COLUMN collection_run.limited; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.limited IS 'How many of them were answered 429.';


--
-- Name: COLUMN collection_run.failed_apps; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.failed_apps IS 'Apps of which a day failed or was rejected.';


--
-- Name: COLUMN collection_run.collected; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.collected IS 'App-days with 288 points when the run ended.';


--
-- Name: COLUMN collection_run.partial; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.partial IS 'App-days with fewer points, all sound.';


--
-- Name: COLUMN collection_run.rejected; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.rejected IS 'App-days whose answer breaks the vendor''s contract.';


--
-- Name: COLUMN collection_run.failed; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.failed IS 'App-days without a usable answer.';


--
-- Name: COLUMN collection_run.lost; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.lost IS 'App-days out of the vendor''s window, never collected.';


--
-- Name: COLUMN collection_run.pending; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.collection_run.pending IS 'App-days not asked, because a task ended before.';


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
    (expires_on - today) AS days_left,
    app_name,
    conn_id
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
-- Name: COLUMN coverage.app_name; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.coverage.app_name IS 'Name of the app for people.';


--
-- Name: COLUMN coverage.conn_id; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.coverage.conn_id IS 'Account that owns the app.';


--
-- Name: push_stream_state; Type: VIEW; Schema: mart; Owner: -
--

CREATE VIEW mart.push_stream_state AS
 SELECT state.app_id,
    COALESCE(app.name, state.app_id) AS app_name,
    state.conn_id,
    state.enabled,
    state.first_seen_at,
    state.last_seen_at,
    state.answers,
    (state.first_seen_at = max(state.first_seen_at) OVER (PARTITION BY state.app_id)) AS is_current
   FROM (core.push_stream_state state
     LEFT JOIN core.app app ON ((state.app_id = app.app_id)));


--
-- Name: VIEW push_stream_state; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON VIEW mart.push_stream_state IS 'Grain: one App ID and one uninterrupted stretch in which the vendor gave the same answer.';


--
-- Name: COLUMN push_stream_state.app_id; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.push_stream_state.app_id IS 'The vendor''s App ID.';


--
-- Name: COLUMN push_stream_state.app_name; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.push_stream_state.app_name IS 'Name of the app for people; the App ID where none is known.';


--
-- Name: COLUMN push_stream_state.conn_id; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.push_stream_state.conn_id IS 'Account that asked last.';


--
-- Name: COLUMN push_stream_state.enabled; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.push_stream_state.enabled IS 'The answer: whether push-streaming is enabled for the app.';


--
-- Name: COLUMN push_stream_state.first_seen_at; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.push_stream_state.first_seen_at IS 'When the stretch''s first answer was received; the change itself lies between the answer before and this.';


--
-- Name: COLUMN push_stream_state.last_seen_at; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.push_stream_state.last_seen_at IS 'When its last answer was received.';


--
-- Name: COLUMN push_stream_state.answers; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.push_stream_state.answers IS 'How many answers said so; one that arrived after a newer one is not among them.';


--
-- Name: COLUMN push_stream_state.is_current; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.push_stream_state.is_current IS 'Whether it is the app''s newest stretch.';


--
-- Name: restatement; Type: VIEW; Schema: mart; Owner: -
--

CREATE VIEW mart.restatement AS
 SELECT app.app_id,
    app.name AS app_name,
    restatement.usage_date,
    restatement.restated_at,
    restatement.points_changed,
    restatement.points_added,
    restatement.old_collected_at,
    restatement.new_collected_at,
    encode(restatement.old_body_sha256, 'hex'::text) AS old_body_sha256,
    encode(restatement.new_body_sha256, 'hex'::text) AS new_body_sha256
   FROM (core.restatement restatement
     JOIN core.app app ON ((restatement.app_key = app.app_key)));


--
-- Name: VIEW restatement; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON VIEW mart.restatement IS 'Grain: one replacement of an app-day''s points by others.';


--
-- Name: COLUMN restatement.app_id; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.restatement.app_id IS 'The vendor''s App ID.';


--
-- Name: COLUMN restatement.app_name; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.restatement.app_name IS 'Name of the app for people.';


--
-- Name: COLUMN restatement.usage_date; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.restatement.usage_date IS 'Usage date in the account''s time zone.';


--
-- Name: COLUMN restatement.restated_at; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.restatement.restated_at IS 'When the points were replaced here.';


--
-- Name: COLUMN restatement.points_changed; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.restatement.points_changed IS 'How many points that were held are another number now, or absent.';


--
-- Name: COLUMN restatement.points_added; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.restatement.points_added IS 'How many points were absent before.';


--
-- Name: COLUMN restatement.old_collected_at; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.restatement.old_collected_at IS 'When the answer was received that the old points were from.';


--
-- Name: COLUMN restatement.new_collected_at; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.restatement.new_collected_at IS 'When the answer was received that the new points are from; null where none were left.';


--
-- Name: COLUMN restatement.old_body_sha256; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.restatement.old_body_sha256 IS 'Digest of the old answer''s body.';


--
-- Name: COLUMN restatement.new_body_sha256; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.restatement.new_body_sha256 IS 'Digest of the new answer''s body; the same where it was only read anew.';


--
-- Name: vendor_account; Type: VIEW; Schema: mart; Owner: -
--

CREATE VIEW mart.vendor_account AS
 SELECT account.conn_id,
    account.timezone,
    account.window_length,
    account.learned_on,
    account.oldest_served,
    account.newest_refused,
    account.refusal,
    ((pace.state #>> '{pace,per_second}'::text[]))::double precision AS requests_per_second,
    to_timestamp(((pace.state #>> '{pace,heard_at}'::text[]))::double precision) AS paced_at,
    ( SELECT (min(day.usage_date))::date AS min
           FROM generate_series(((today.midnight - account.window_length) - '4 days'::interval), today.midnight, '1 day'::interval) day(usage_date)
          WHERE (GREATEST(((day.usage_date + account.window_length))::date, ((((day.usage_date + '1 day'::interval) + account.window_length))::date - 1)) >= (today.midnight)::date)) AS window_begins_on
   FROM ((core.vendor_account account
     CROSS JOIN LATERAL ( SELECT date_trunc('day'::text, (now() AT TIME ZONE account.timezone)) AS midnight) today)
     LEFT JOIN core.request_pace pace ON ((account.conn_id = pace.conn_id)));


--
-- Name: VIEW vendor_account; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON VIEW mart.vendor_account IS 'Grain: one vendor account, as an Airflow connection.';


--
-- Name: COLUMN vendor_account.conn_id; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.vendor_account.conn_id IS 'Name of the Airflow connection.';


--
-- Name: COLUMN vendor_account.timezone; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.vendor_account.timezone IS 'IANA zone of the account''s usage dates.';


--
-- Name: COLUMN vendor_account.window_length; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.vendor_account.window_length IS 'How long the vendor is expected to show a day: 1 month or N days.';


--
-- Name: COLUMN vendor_account.learned_on; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.vendor_account.learned_on IS 'Vendor''s date on which the window''s edge was learned from its answers; null before.';


--
-- Name: COLUMN vendor_account.oldest_served; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.vendor_account.oldest_served IS 'Oldest usage date the vendor answered on that date.';


--
-- Name: COLUMN vendor_account.newest_refused; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.vendor_account.newest_refused IS 'Day before it, refused with 400 for the same app on that date.';


--
-- Name: COLUMN vendor_account.refusal; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.vendor_account.refusal IS 'The vendor''s words when it refused.';


--
-- Name: COLUMN vendor_account.requests_per_second; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.vendor_account.requests_per_second IS 'Rate at which the account was asked last: as configured, or what its 429s taught; null before the first request.';


--
-- Name: COLUMN vendor_account.paced_at; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.vendor_account.paced_at IS 'When the vendor last answered at that rate; null with it.';


--
-- Name: COLUMN vendor_account.window_begins_on; Type: COMMENT; Schema: mart; Owner: -
--

COMMENT ON COLUMN mart.vendor_account.window_begins_on IS 'Oldest usage date that the vendor is expected to show today; a filter usage_date >= it skips the years before.';


--
-- Name: warehouse_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.warehouse_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: TABLE warehouse_version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.warehouse_version IS '';


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
    ADD CONSTRAINT app_day_pkey PRIMARY KEY (app_key, usage_date) INCLUDE (starts_at, state, points);


--
-- Name: app app_pkey; Type: CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.app
    ADD CONSTRAINT app_pkey PRIMARY KEY (app_key);


--
-- Name: collection_run collection_run_pkey; Type: CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.collection_run
    ADD CONSTRAINT collection_run_pkey PRIMARY KEY (dag_id, run_id);


--
-- Name: day_sum day_sum_pkey; Type: CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.day_sum
    ADD CONSTRAINT day_sum_pkey PRIMARY KEY (usage_date, starts_at);


--
-- Name: entered_days entered_days_pkey; Type: CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.entered_days
    ADD CONSTRAINT entered_days_pkey PRIMARY KEY (app_key);


--
-- Name: month_p95 month_p95_pkey; Type: CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.month_p95
    ADD CONSTRAINT month_p95_pkey PRIMARY KEY (month, app_key);


--
-- Name: push_stream_state push_stream_state_pkey; Type: CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.push_stream_state
    ADD CONSTRAINT push_stream_state_pkey PRIMARY KEY (app_id, first_seen_at);


--
-- Name: request_pace request_pace_pkey; Type: CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.request_pace
    ADD CONSTRAINT request_pace_pkey PRIMARY KEY (conn_id);


--
-- Name: restatement restatement_pkey; Type: CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.restatement
    ADD CONSTRAINT restatement_pkey PRIMARY KEY (app_key, usage_date, restated_at);


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
-- Name: collection_run_ended_at; Type: INDEX; Schema: core; Owner: -
--

CREATE INDEX collection_run_ended_at ON core.collection_run USING btree (ended_at);


--
-- Name: bandwidth_response_app_day; Type: INDEX; Schema: raw; Owner: -
--

CREATE INDEX bandwidth_response_app_day ON raw.bandwidth_response USING btree (usage_date, app_id) INCLUDE (fetched_at, http_status, body_sha256);


--
-- Name: bandwidth_response_fetched_at; Type: INDEX; Schema: raw; Owner: -
--

CREATE INDEX bandwidth_response_fetched_at ON raw.bandwidth_response USING brin (fetched_at);


--
-- Name: app_day note_added_points; Type: TRIGGER; Schema: core; Owner: -
--

CREATE TRIGGER note_added_points AFTER INSERT ON core.app_day REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION core.note_changed_points();


--
-- Name: app_day note_all_points_removed; Type: TRIGGER; Schema: core; Owner: -
--

CREATE TRIGGER note_all_points_removed AFTER TRUNCATE ON core.app_day FOR EACH STATEMENT EXECUTE FUNCTION core.note_changed_points();


--
-- Name: app_day note_changed_points; Type: TRIGGER; Schema: core; Owner: -
--

CREATE TRIGGER note_changed_points AFTER UPDATE ON core.app_day REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION core.note_changed_points();


--
-- Name: app_day note_removed_points; Type: TRIGGER; Schema: core; Owner: -
--

CREATE TRIGGER note_removed_points AFTER DELETE ON core.app_day REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION core.note_changed_points();


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
-- Name: request_pace request_pace_conn_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.request_pace
    ADD CONSTRAINT request_pace_conn_id_fkey FOREIGN KEY (conn_id) REFERENCES core.vendor_account(conn_id);


--
-- Name: restatement restatement_app_key_fkey; Type: FK CONSTRAINT; Schema: core; Owner: -
--

ALTER TABLE ONLY core.restatement
    ADD CONSTRAINT restatement_app_key_fkey FOREIGN KEY (app_key) REFERENCES core.app(app_key);


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
-- Name: TABLE changed_app_day; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT,INSERT ON TABLE core.changed_app_day TO loader;


--
-- Name: TABLE entered_days; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT ON TABLE core.entered_days TO loader;


--
-- Name: TABLE vendor_account; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE core.vendor_account TO loader;


--
-- Name: TABLE known_app; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT ON TABLE core.known_app TO loader;


--
-- Name: TABLE wanted_app_day; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT ON TABLE core.wanted_app_day TO loader;


--
-- Name: FUNCTION forget_app_days(before date); Type: ACL; Schema: core; Owner: -
--

REVOKE ALL ON FUNCTION core.forget_app_days(before date) FROM PUBLIC;
GRANT ALL ON FUNCTION core.forget_app_days(before date) TO loader;


--
-- Name: TABLE bandwidth_response; Type: ACL; Schema: raw; Owner: -
--

GRANT SELECT,INSERT ON TABLE raw.bandwidth_response TO loader;


--
-- Name: FUNCTION forget_raw_answers(of_usage_date date); Type: ACL; Schema: core; Owner: -
--

REVOKE ALL ON FUNCTION core.forget_raw_answers(of_usage_date date) FROM PUBLIC;
GRANT ALL ON FUNCTION core.forget_raw_answers(of_usage_date date) TO loader;


--
-- Name: FUNCTION note_changed_points(); Type: ACL; Schema: core; Owner: -
--

REVOKE ALL ON FUNCTION core.note_changed_points() FROM PUBLIC;


--
-- Name: FUNCTION refresh_figures(most_changes integer); Type: ACL; Schema: core; Owner: -
--

REVOKE ALL ON FUNCTION core.refresh_figures(most_changes integer) FROM PUBLIC;
GRANT ALL ON FUNCTION core.refresh_figures(most_changes integer) TO loader;


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
-- Name: TABLE collection_run; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE core.collection_run TO loader;


--
-- Name: TABLE day_sum; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT ON TABLE core.day_sum TO loader;


--
-- Name: TABLE fresh_day_sum; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT ON TABLE core.fresh_day_sum TO loader;


--
-- Name: TABLE month_p95; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT ON TABLE core.month_p95 TO loader;


--
-- Name: TABLE fresh_month_p95; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT ON TABLE core.fresh_month_p95 TO loader;


--
-- Name: TABLE push_stream_state; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE core.push_stream_state TO loader;


--
-- Name: TABLE request_pace; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE core.request_pace TO loader;


--
-- Name: TABLE restatement; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT,INSERT ON TABLE core.restatement TO loader;


--
-- Name: TABLE summed_day; Type: ACL; Schema: core; Owner: -
--

GRANT SELECT ON TABLE core.summed_day TO loader;


--
-- Name: TABLE app; Type: ACL; Schema: mart; Owner: -
--

GRANT SELECT ON TABLE mart.app TO loader;
GRANT SELECT ON TABLE mart.app TO analyst;


--
-- Name: TABLE bandwidth_5min_total; Type: ACL; Schema: mart; Owner: -
--

GRANT SELECT ON TABLE mart.bandwidth_5min_total TO loader;
GRANT SELECT ON TABLE mart.bandwidth_5min_total TO analyst;


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
-- Name: TABLE collection_run; Type: ACL; Schema: mart; Owner: -
--

GRANT SELECT ON TABLE mart.collection_run TO loader;
GRANT SELECT ON TABLE mart.collection_run TO analyst;


--
-- Name: TABLE coverage; Type: ACL; Schema: mart; Owner: -
--

GRANT SELECT ON TABLE mart.coverage TO loader;
GRANT SELECT ON TABLE mart.coverage TO analyst;


--
-- Name: TABLE push_stream_state; Type: ACL; Schema: mart; Owner: -
--

GRANT SELECT ON TABLE mart.push_stream_state TO loader;
GRANT SELECT ON TABLE mart.push_stream_state TO analyst;


--
-- Name: TABLE restatement; Type: ACL; Schema: mart; Owner: -
--

GRANT SELECT ON TABLE mart.restatement TO loader;
GRANT SELECT ON TABLE mart.restatement TO analyst;


--
-- Name: TABLE vendor_account; Type: ACL; Schema: mart; Owner: -
--

GRANT SELECT ON TABLE mart.vendor_account TO loader;
GRANT SELECT ON TABLE mart.vendor_account TO analyst;


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
