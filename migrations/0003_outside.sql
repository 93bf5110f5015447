CREATE TABLE `payment_differences` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`order_id` text,
	`reference` text,
	`order_state` text,
	`payment_state` text,
	`due_minor` integer,
	`due_currency` text,
	`taken_minor` integer NOT NULL,
	`refunded_minor` integer NOT NULL,
	`taken_currency` text,
	`is_mended` integer NOT NULL,
	`first_seen_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL,
	`resolved_at` integer,
	`resolved_by` text,
	`note` text
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `payment_differences_open` ON `payment_differences` (`first_seen_at`) WHERE resolved_at IS NULL;--> statement-breakpoint
CREATE INDEX `payment_differences_resolved` ON `payment_differences` (`first_seen_at`) WHERE resolved_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `payment_differences_seen` ON `payment_differences` (`last_seen_at`);--> statement-breakpoint
CREATE TABLE `payment_reconciliations` (
	`until_at` integer PRIMARY KEY NOT NULL,
	`from_at` integer NOT NULL,
	`task_id` text NOT NULL,
	`checked_charges` integer NOT NULL,
	`checked_payments` integer NOT NULL,
	`differences` integer NOT NULL,
	`mended` integer NOT NULL,
	`fresh` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `emails` ADD `provider_id` text;--> statement-breakpoint
ALTER TABLE `emails` ADD `batch_key` text;--> statement-breakpoint
ALTER TABLE `orders` ADD `payment_method` text;--> statement-breakpoint
ALTER TABLE `simulated_charges` ADD `is_canceled` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `simulated_charges` ADD `created_at` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `payments_unsettled` ON `payments` (`order_id`) WHERE state IN ('charging', 'refunding');