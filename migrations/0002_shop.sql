CREATE TABLE `password_resets` (
	`user_id` integer NOT NULL,
	`task_id` text NOT NULL,
	`secret_hash` text NOT NULL,
	`expires_at` integer NOT NULL,
	`closed_at` integer,
	PRIMARY KEY(`user_id`, `task_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `password_resets_expiry` ON `password_resets` (`expires_at`);--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` integer NOT NULL,
	`secret_hash` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`user_agent` text NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `sessions_user` ON `sessions` (`user_id`);--> statement-breakpoint
CREATE TABLE `tries_left` (
	`ends_at` integer NOT NULL,
	`key` text NOT NULL,
	`remaining` integer NOT NULL,
	PRIMARY KEY(`ends_at`, `key`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `users` (
	`id` integer PRIMARY KEY NOT NULL,
	`username` text NOT NULL,
	`email` text NOT NULL,
	`first_name` text NOT NULL,
	`last_name` text NOT NULL,
	`password_hash` text NOT NULL,
	`role` text NOT NULL,
	`locale` text,
	`created_at` integer NOT NULL,
	`owns_email` integer DEFAULT true NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_username` ON `users` (lower("username"));--> statement-breakpoint
CREATE UNIQUE INDEX `users_email` ON `users` (lower("email")) WHERE owns_email = 1;--> statement-breakpoint
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
CREATE TABLE `bulk_notifications` (
	`id` text PRIMARY KEY NOT NULL,
	`subject` text NOT NULL,
	`message` text NOT NULL,
	`audience` text NOT NULL,
	`chunk_size` integer NOT NULL,
	`created_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `emails` ADD `headers` text;--> statement-breakpoint
ALTER TABLE `emails` ADD `state` text DEFAULT 'sent' NOT NULL;--> statement-breakpoint
ALTER TABLE `emails` ADD `attempts` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `emails` ADD `due_at` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `emails` ADD `reason` text;--> statement-breakpoint
CREATE INDEX `emails_due` ON `emails` (`due_at`) WHERE state IN ('pending', 'sending') AND text_body <> '';--> statement-breakpoint
CREATE INDEX `emails_due_secret` ON `emails` (`due_at`) WHERE state IN ('pending', 'sending') AND text_body = '';--> statement-breakpoint
CREATE INDEX `emails_by_time` ON `emails` (`created_at`);