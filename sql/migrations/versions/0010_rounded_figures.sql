-- The kbps columns become numeric with three decimal places, and app_name now follows app_id. PostgreSQL cannot change
-- the type or the order of a view's columns, so these views are dropped. They are recreated after every migration. The
-- statements do not cascade. If your own view depends on one of these views, the migration fails and names your view.
drop view if exists mart.coverage, mart.billing_monthly_total, mart.billing_monthly, mart.bandwidth_daily;
drop view if exists mart.bandwidth_5min_total, mart.restatement;

-- Development versions of this release created the function with fewer parameters.
drop view if exists mart.billing_monthly_group;
drop function if exists mart.billing_between(date, date, text[], text);
