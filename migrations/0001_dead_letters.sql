CREATE TABLE `task_labels` (
	`label` text NOT NULL,
	`value` text NOT NULL,
	`task_id` text NOT NULL,
	PRIMARY KEY(`label`, `value`, `task_id`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `tasks` ADD `resolution` text;--> statement-breakpoint
CREATE INDEX `dead_letters` ON `tasks` (`finished_at`) WHERE is_dead_lettered = 1 AND resolution IS NULL;