CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`owner` text NOT NULL,
	`secret_hash` text NOT NULL,
	`scopes` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`revoked_at` integer
) WITHOUT ROWID;

CREATE TABLE `api_log` (
	`first_at` integer NOT NULL,
	`id` text NOT NULL,
	`entries` text NOT NULL,
	PRIMARY KEY(`first_at`, `id`)
) WITHOUT ROWID;

CREATE TABLE `emails` (
	`task_id` text NOT NULL,
	`to_address` text NOT NULL,
	`template` text NOT NULL,
	`message_id` text NOT NULL,
	`subject` text NOT NULL,
	`text_body` text NOT NULL,
	`html_body` text NOT NULL,
	`created_at` integer NOT NULL, `headers` text, `state` text DEFAULT 'sent' NOT NULL, `attempts` integer DEFAULT 1 NOT NULL, `due_at` integer DEFAULT 0 NOT NULL, `reason` text,
	PRIMARY KEY(`task_id`, `to_address`, `template`)
) WITHOUT ROWID;

CREATE INDEX `emails_due` ON `emails` (`due_at`) WHERE state IN ('pending', 'sending');

CREATE TABLE `orders` (
	`id` text PRIMARY KEY NOT NULL,
	`owner` text NOT NULL,
	`user_id` integer NOT NULL,
	`amount_minor` integer NOT NULL,
	`currency` text NOT NULL,
	`customer_email` text NOT NULL,
	`locale` text,
	`state` text NOT NULL,
	`email_task_id` text NOT NULL,
	`payment_task_id` text NOT NULL,
	`created_at` integer NOT NULL
) WITHOUT ROWID;

CREATE INDEX `orders_created` ON `orders` (`created_at`);

CREATE TABLE `outbox` (
	`id` text PRIMARY KEY NOT NULL,
	`spec` text NOT NULL,
	`created_at` integer NOT NULL
) WITHOUT ROWID;

CREATE TABLE `payments` (
	`order_id` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`task_id` text NOT NULL,
	`provider` text NOT NULL,
	`reference` text,
	`decline_reason` text,
	`declines` integer NOT NULL,
	`updated_at` integer NOT NULL
) WITHOUT ROWID;

CREATE TABLE `products` (
	`sku` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`price_minor` integer NOT NULL,
	`currency` text NOT NULL,
	`seller_id` integer,
	`updated_at` integer NOT NULL
) WITHOUT ROWID;

CREATE TABLE `reports` (
	`kind` text NOT NULL,
	`period` text NOT NULL,
	`body` text NOT NULL,
	`is_complete` integer NOT NULL,
	`created_at` integer NOT NULL,
	`task_id` text NOT NULL,
	PRIMARY KEY(`kind`, `period`)
) WITHOUT ROWID;

CREATE TABLE `simulated_charges` (
	`idempotency_key` text PRIMARY KEY NOT NULL,
	`order_id` text NOT NULL,
	`amount_minor` integer NOT NULL,
	`currency` text NOT NULL,
	`requests` integer NOT NULL,
	`captures` integer NOT NULL
) WITHOUT ROWID;

CREATE TABLE `suppressions` (
	`address` text NOT NULL,
	`reason` text NOT NULL,
	`detail` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`address`, `reason`)
) WITHOUT ROWID;

CREATE TABLE `task_labels` (
	`label` text NOT NULL,
	`value` text NOT NULL,
	`task_id` text NOT NULL,
	PRIMARY KEY(`label`, `value`, `task_id`)
) WITHOUT ROWID;

CREATE TABLE `tasks` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`state` text NOT NULL,
	`queue` text NOT NULL,
	`owner` text NOT NULL,
	`finished_at` integer NOT NULL,
	`is_dead_lettered` integer NOT NULL,
	`kwargs` text NOT NULL,
	`result` text,
	`detail` text NOT NULL
, `resolution` text) WITHOUT ROWID;

CREATE INDEX `dead_letters` ON `tasks` (`finished_at`) WHERE is_dead_lettered = 1 AND resolution IS NULL;

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

CREATE INDEX `users_admins` ON `users` (`id`) WHERE role = 'admin';

CREATE UNIQUE INDEX `users_email` ON `users` (lower("email"));

CREATE UNIQUE INDEX `users_username` ON `users` (lower("username"));
