ALTER TABLE `emails` ADD `provider_id` text;--> statement-breakpoint
ALTER TABLE `emails` ADD `batch_key` text;--> statement-breakpoint
ALTER TABLE `orders` ADD `payment_method` text;