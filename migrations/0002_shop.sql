CREATE TABLE `users` (
	`id` integer PRIMARY KEY NOT NULL,
	`username` text NOT NULL,
	`email` text NOT NULL,
	`first_name` text NOT NULL,
	`last_name` text NOT NULL,
	`password_hash` text NOT NULL,
	`role` text NOT NULL,
	`locale` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_username` ON `users` (lower("username"));--> statement-breakpoint
CREATE UNIQUE INDEX `users_email` ON `users` (lower("email"));--> statement-breakpoint
CREATE INDEX `users_admins` ON `users` (`id`) WHERE role = 'admin';--> statement-breakpoint
CREATE TABLE `products` (
	`sku` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`price_minor` integer NOT NULL,
	`currency` text NOT NULL,
	`seller_id` integer,
	`updated_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `suppressions` (
	`address` text NOT NULL,
	`reason` text NOT NULL,
	`detail` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`address`, `reason`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `api_log` (
	`first_at` integer NOT NULL,
	`id` text NOT NULL,
	`entries` text NOT NULL,
	PRIMARY KEY(`first_at`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `reports` (
	`kind` text NOT NULL,
	`period` text NOT NULL,
	`body` text NOT NULL,
	`is_complete` integer NOT NULL,
	`created_at` integer NOT NULL,
	`task_id` text NOT NULL,
	PRIMARY KEY(`kind`, `period`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `emails` ADD `headers` text;--> statement-breakpoint
ALTER TABLE `emails` ADD `state` text DEFAULT 'sent' NOT NULL;--> statement-breakpoint
ALTER TABLE `emails` ADD `attempts` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `emails` ADD `due_at` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `emails` ADD `reason` text;--> statement-breakpoint
CREATE INDEX `emails_due` ON `emails` (`due_at`) WHERE state IN ('pending', 'sending');--> statement-breakpoint
CREATE INDEX `orders_created` ON `orders` (`created_at`);