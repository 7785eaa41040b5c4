-- Figures in kbps are numeric with three decimal places, and app_name follows app_id. The types and the order of a
-- view's columns cannot be changed. These views are created again after every migration. Without cascade, a view of
-- your own that depends on them stops the migration with its name instead of being dropped.
drop view if exists mart.coverage, mart.billing_monthly_total, mart.billing_monthly, mart.bandwidth_daily;
drop view if exists mart.bandwidth_5min_total, mart.restatement;
