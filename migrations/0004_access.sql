CREATE TABLE `audit_log` (
	`at` integer NOT NULL,
	`id` text NOT NULL,
	`actor` text NOT NULL,
	`user_id` integer,
	`how` text NOT NULL,
	`action` text NOT NULL,
	`target` text NOT NULL,
	`detail` text,
	`status` integer,
	`address` text,
	`request_id` text,
	PRIMARY KEY(`at`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `sessions` ADD `seen_at` integer;