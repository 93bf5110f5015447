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

CREATE TABLE `bulk_notifications` (
	`id` text PRIMARY KEY NOT NULL,
	`subject` text NOT NULL,
	`message` text NOT NULL,
	`audience` text NOT NULL,
	`chunk_size` integer NOT NULL,
	`created_at` integer NOT NULL
) WITHOUT ROWID;

CREATE TABLE `carts` (
	`owner` text NOT NULL,
	`user_id` integer NOT NULL,
	`lines` text NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`owner`, `user_id`)
) WITHOUT ROWID;

CREATE INDEX `carts_updated` ON `carts` (`updated_at`);

CREATE TABLE `emails` (
	`task_id` text NOT NULL,
	`to_address` text NOT NULL,
	`template` text NOT NULL,
	`message_id` text NOT NULL,
	`subject` text NOT NULL,
	`text_body` text NOT NULL,
	`html_body` text NOT NULL,
	`created_at` integer NOT NULL, `headers` text, `state` text DEFAULT 'sent' NOT NULL, `attempts` integer DEFAULT 1 NOT NULL, `due_at` integer DEFAULT 0 NOT NULL, `reason` text, `provider_id` text, `batch_key` text,
	PRIMARY KEY(`task_id`, `to_address`, `template`)
) WITHOUT ROWID;

CREATE INDEX `emails_by_time` ON `emails` (`created_at`);

CREATE INDEX `emails_due` ON `emails` (`due_at`) WHERE state IN ('pending', 'sending') AND text_body <> '';

CREATE INDEX `emails_due_secret` ON `emails` (`due_at`) WHERE state IN ('pending', 'sending') AND text_body = '';

CREATE TABLE `escrow_entries` (
	`transaction_id` text NOT NULL,
	`what` text NOT NULL,
	`from_account` text NOT NULL,
	`to_account` text NOT NULL,
	`amount_minor` integer NOT NULL,
	`reference` text,
	`at` integer NOT NULL,
	PRIMARY KEY(`transaction_id`, `what`)
) WITHOUT ROWID;

CREATE UNIQUE INDEX `escrow_entries_reference` ON `escrow_entries` (`reference`) WHERE reference IS NOT NULL;

CREATE TABLE `escrow_events` (
	`subject` text NOT NULL,
	`number` integer NOT NULL,
	`event` text NOT NULL,
	`notification` text NOT NULL,
	`milestone` integer,
	`detail` text,
	`role` text NOT NULL,
	`actor` text NOT NULL,
	`task_id` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`subject`, `number`)
) WITHOUT ROWID;

CREATE TABLE `escrow_milestones` (
	`transaction_id` text NOT NULL,
	`number` integer NOT NULL,
	`title` text NOT NULL,
	`amount_minor` integer NOT NULL,
	`state` text NOT NULL,
	`seller_id` integer NOT NULL,
	`pending_since` integer,
	`remind_at` integer,
	`reject_reason` text,
	PRIMARY KEY(`transaction_id`, `number`)
) WITHOUT ROWID;

CREATE INDEX `escrow_milestones_owed` ON `escrow_milestones` (`seller_id`,`remind_at`) WHERE remind_at IS NOT NULL;

CREATE TABLE `escrow_transactions` (
	`id` text PRIMARY KEY NOT NULL,
	`buyer_id` integer NOT NULL,
	`seller_id` integer NOT NULL,
	`title` text NOT NULL,
	`amount_minor` integer NOT NULL,
	`currency` text NOT NULL,
	`state` text NOT NULL,
	`version` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`remind_at` integer NOT NULL,
	`request_key` text
) WITHOUT ROWID;

CREATE INDEX `escrow_transactions_buyer` ON `escrow_transactions` (`buyer_id`,`id`);

CREATE INDEX `escrow_transactions_buying` ON `escrow_transactions` (`buyer_id`) WHERE state IN ('pending_funding', 'funded', 'in_progress', 'disputed');

CREATE INDEX `escrow_transactions_disputed` ON `escrow_transactions` (`id`) WHERE state = 'disputed';

CREATE UNIQUE INDEX `escrow_transactions_request` ON `escrow_transactions` (`buyer_id`,`request_key`) WHERE request_key IS NOT NULL;

CREATE INDEX `escrow_transactions_seller` ON `escrow_transactions` (`seller_id`,`id`);

CREATE INDEX `escrow_transactions_selling` ON `escrow_transactions` (`seller_id`) WHERE state IN ('pending_funding', 'funded', 'in_progress', 'disputed');

CREATE INDEX `escrow_transactions_unfunded` ON `escrow_transactions` (`remind_at`) WHERE state = 'pending_funding';

CREATE TABLE `expiring_results` (
	`expires_at` integer NOT NULL,
	`task_id` text NOT NULL,
	PRIMARY KEY(`expires_at`, `task_id`)
) WITHOUT ROWID;

CREATE TABLE `files` (
	`id` text PRIMARY KEY NOT NULL,
	`owner` text NOT NULL,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`content_type` text NOT NULL,
	`size` integer NOT NULL,
	`state` text NOT NULL,
	`task_id` text,
	`created_at` integer NOT NULL,
	`result` text
) WITHOUT ROWID;

CREATE INDEX `files_owner` ON `files` (`owner`,`id`);

CREATE INDEX `files_uploading` ON `files` (`id`) WHERE state = 'uploading';

CREATE TABLE `order_items` (
	`order_id` text NOT NULL,
	`line` integer NOT NULL,
	`sku` text,
	`name` text NOT NULL,
	`quantity` integer NOT NULL,
	`unit_price_minor` integer NOT NULL,
	`seller_id` integer,
	PRIMARY KEY(`order_id`, `line`)
) WITHOUT ROWID;

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
, `seller_task_id` text, `shipped_at` integer, `delivered_at` integer, `cancelled_at` integer, `refunded_at` integer, `payment_method` text) WITHOUT ROWID;

CREATE INDEX `orders_created` ON `orders` (`created_at`);

CREATE INDEX `orders_listed` ON `orders` (`owner`,`state`,`created_at`);

CREATE TABLE `outbox` (
	`id` text PRIMARY KEY NOT NULL,
	`spec` text NOT NULL,
	`created_at` integer NOT NULL
) WITHOUT ROWID;

CREATE TABLE `password_resets` (
	`user_id` integer NOT NULL,
	`task_id` text NOT NULL,
	`secret_hash` text NOT NULL,
	`expires_at` integer NOT NULL,
	`closed_at` integer,
	PRIMARY KEY(`user_id`, `task_id`)
) WITHOUT ROWID;

CREATE INDEX `password_resets_expiry` ON `password_resets` (`expires_at`);

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

CREATE INDEX `payment_differences_open` ON `payment_differences` (`first_seen_at`) WHERE resolved_at IS NULL;

CREATE INDEX `payment_differences_resolved` ON `payment_differences` (`first_seen_at`) WHERE resolved_at IS NOT NULL;

CREATE INDEX `payment_differences_seen` ON `payment_differences` (`last_seen_at`);

CREATE TABLE `payment_events` (
	`id` text PRIMARY KEY NOT NULL,
	`type` text NOT NULL,
	`order_id` text NOT NULL,
	`amount_minor` integer NOT NULL,
	`currency` text NOT NULL,
	`task_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`received_at` integer NOT NULL
) WITHOUT ROWID;

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

CREATE TABLE `payments` (
	`order_id` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`task_id` text NOT NULL,
	`provider` text NOT NULL,
	`reference` text,
	`decline_reason` text,
	`declines` integer NOT NULL,
	`updated_at` integer NOT NULL
, `refusals` integer DEFAULT 0 NOT NULL, `refusal_reason` text) WITHOUT ROWID;

CREATE INDEX `payments_unsettled` ON `payments` (`order_id`) WHERE state IN ('charging', 'refunding');

CREATE TABLE `product_ratings` (
	`sku` text PRIMARY KEY NOT NULL,
	`reviews` integer NOT NULL,
	`rating_sum` integer NOT NULL
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

CREATE TABLE `reviews` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`order_id` text NOT NULL,
	`sku` text NOT NULL,
	`rating` integer NOT NULL,
	`text` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);

CREATE UNIQUE INDEX `reviews_order` ON `reviews` (`order_id`,`sku`);

CREATE INDEX `reviews_sku` ON `reviews` (`sku`);

CREATE TABLE `seller_verifications` (
	`user_id` integer PRIMARY KEY NOT NULL,
	`status` text NOT NULL,
	`version` integer NOT NULL,
	`legal_name` text NOT NULL,
	`country` text NOT NULL,
	`details` text NOT NULL,
	`reason` text,
	`submitted_at` integer NOT NULL,
	`decided_at` integer
);

CREATE INDEX `seller_verifications_pending` ON `seller_verifications` (`submitted_at`) WHERE status = 'PENDING';

CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` integer NOT NULL,
	`secret_hash` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`user_agent` text NOT NULL
, `seen_at` integer) WITHOUT ROWID;

CREATE INDEX `sessions_user` ON `sessions` (`user_id`);

CREATE TABLE `simulated_charges` (
	`idempotency_key` text PRIMARY KEY NOT NULL,
	`order_id` text NOT NULL,
	`amount_minor` integer NOT NULL,
	`currency` text NOT NULL,
	`requests` integer NOT NULL,
	`captures` integer NOT NULL
, `is_canceled` integer DEFAULT false NOT NULL, `created_at` integer DEFAULT 0 NOT NULL) WITHOUT ROWID;

CREATE TABLE `simulated_refunds` (
	`charge_key` text NOT NULL,
	`idempotency_key` text NOT NULL,
	`amount_minor` integer NOT NULL,
	`requests` integer NOT NULL,
	`refunds` integer NOT NULL,
	PRIMARY KEY(`charge_key`, `idempotency_key`)
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

CREATE TABLE `tries_left` (
	`ends_at` integer NOT NULL,
	`key` text NOT NULL,
	`remaining` integer NOT NULL,
	PRIMARY KEY(`ends_at`, `key`)
) WITHOUT ROWID;

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

CREATE INDEX `users_admins` ON `users` (`id`) WHERE role = 'admin';

CREATE UNIQUE INDEX `users_email` ON `users` (lower("email")) WHERE owns_email = 1;

CREATE UNIQUE INDEX `users_username` ON `users` (lower("username"));
