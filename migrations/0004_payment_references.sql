ALTER TABLE `simulated_charges` ADD `is_canceled` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `simulated_charges` ADD `created_at` integer DEFAULT 0 NOT NULL;