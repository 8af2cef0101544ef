BEGIN TRANSACTION;
CREATE TABLE "auth_group" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(150) NOT NULL UNIQUE);
CREATE TABLE "auth_group_permissions" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "group_id" integer NOT NULL REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED, "permission_id" integer NOT NULL REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE "auth_permission" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "content_type_id" integer NOT NULL REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED, "codename" varchar(100) NOT NULL, "name" varchar(255) NOT NULL);
INSERT INTO "auth_permission" VALUES(1,2,'add_room','Can add room');
INSERT INTO "auth_permission" VALUES(2,2,'change_room','Can change room');
INSERT INTO "auth_permission" VALUES(3,2,'delete_room','Can delete room');
INSERT INTO "auth_permission" VALUES(4,2,'view_room','Can view room');
INSERT INTO "auth_permission" VALUES(5,3,'add_presence','Can add presence');
INSERT INTO "auth_permission" VALUES(6,3,'change_presence','Can change presence');
INSERT INTO "auth_permission" VALUES(7,3,'delete_presence','Can delete presence');
INSERT INTO "auth_permission" VALUES(8,3,'view_presence','Can view presence');
INSERT INTO "auth_permission" VALUES(9,4,'add_chatmessage','Can add chat message');
INSERT INTO "auth_permission" VALUES(10,4,'change_chatmessage','Can change chat message');
INSERT INTO "auth_permission" VALUES(11,4,'delete_chatmessage','Can delete chat message');
INSERT INTO "auth_permission" VALUES(12,4,'view_chatmessage','Can view chat message');
INSERT INTO "auth_permission" VALUES(13,5,'add_grant','Can add grant');
INSERT INTO "auth_permission" VALUES(14,5,'change_grant','Can change grant');
INSERT INTO "auth_permission" VALUES(15,5,'delete_grant','Can delete grant');
INSERT INTO "auth_permission" VALUES(16,5,'view_grant','Can view grant');
INSERT INTO "auth_permission" VALUES(17,6,'add_membership','Can add membership');
INSERT INTO "auth_permission" VALUES(18,6,'change_membership','Can change membership');
INSERT INTO "auth_permission" VALUES(19,6,'delete_membership','Can delete membership');
INSERT INTO "auth_permission" VALUES(20,6,'view_membership','Can view membership');
INSERT INTO "auth_permission" VALUES(21,7,'add_tries','Can add tries');
INSERT INTO "auth_permission" VALUES(22,7,'change_tries','Can change tries');
INSERT INTO "auth_permission" VALUES(23,7,'delete_tries','Can delete tries');
INSERT INTO "auth_permission" VALUES(24,7,'view_tries','Can view tries');
INSERT INTO "auth_permission" VALUES(25,8,'add_ticket','Can add ticket');
INSERT INTO "auth_permission" VALUES(26,8,'change_ticket','Can change ticket');
INSERT INTO "auth_permission" VALUES(27,8,'delete_ticket','Can delete ticket');
INSERT INTO "auth_permission" VALUES(28,8,'view_ticket','Can view ticket');
INSERT INTO "auth_permission" VALUES(29,9,'add_idempotencykey','Can add idempotency key');
INSERT INTO "auth_permission" VALUES(30,9,'change_idempotencykey','Can change idempotency key');
INSERT INTO "auth_permission" VALUES(31,9,'delete_idempotencykey','Can delete idempotency key');
INSERT INTO "auth_permission" VALUES(32,9,'view_idempotencykey','Can view idempotency key');
INSERT INTO "auth_permission" VALUES(33,10,'add_notification','Can add notification');
INSERT INTO "auth_permission" VALUES(34,10,'change_notification','Can change notification');
INSERT INTO "auth_permission" VALUES(35,10,'delete_notification','Can delete notification');
INSERT INTO "auth_permission" VALUES(36,10,'view_notification','Can view notification');
INSERT INTO "auth_permission" VALUES(37,11,'add_delivery','Can add delivery');
INSERT INTO "auth_permission" VALUES(38,11,'change_delivery','Can change delivery');
INSERT INTO "auth_permission" VALUES(39,11,'delete_delivery','Can delete delivery');
INSERT INTO "auth_permission" VALUES(40,11,'view_delivery','Can view delivery');
INSERT INTO "auth_permission" VALUES(41,12,'add_digest','Can add digest');
INSERT INTO "auth_permission" VALUES(42,12,'change_digest','Can change digest');
INSERT INTO "auth_permission" VALUES(43,12,'delete_digest','Can delete digest');
INSERT INTO "auth_permission" VALUES(44,12,'view_digest','Can view digest');
INSERT INTO "auth_permission" VALUES(45,13,'add_duty','Can add duty');
INSERT INTO "auth_permission" VALUES(46,13,'change_duty','Can change duty');
INSERT INTO "auth_permission" VALUES(47,13,'delete_duty','Can delete duty');
INSERT INTO "auth_permission" VALUES(48,13,'view_duty','Can view duty');
INSERT INTO "auth_permission" VALUES(49,14,'add_series','Can add series');
INSERT INTO "auth_permission" VALUES(50,14,'change_series','Can change series');
INSERT INTO "auth_permission" VALUES(51,14,'delete_series','Can delete series');
INSERT INTO "auth_permission" VALUES(52,14,'view_series','Can view series');
INSERT INTO "auth_permission" VALUES(53,15,'add_point','Can add point');
INSERT INTO "auth_permission" VALUES(54,15,'change_point','Can change point');
INSERT INTO "auth_permission" VALUES(55,15,'delete_point','Can delete point');
INSERT INTO "auth_permission" VALUES(56,15,'view_point','Can view point');
INSERT INTO "auth_permission" VALUES(57,16,'add_logentry','Can add log entry');
INSERT INTO "auth_permission" VALUES(58,16,'change_logentry','Can change log entry');
INSERT INTO "auth_permission" VALUES(59,16,'delete_logentry','Can delete log entry');
INSERT INTO "auth_permission" VALUES(60,16,'view_logentry','Can view log entry');
INSERT INTO "auth_permission" VALUES(61,17,'add_permission','Can add permission');
INSERT INTO "auth_permission" VALUES(62,17,'change_permission','Can change permission');
INSERT INTO "auth_permission" VALUES(63,17,'delete_permission','Can delete permission');
INSERT INTO "auth_permission" VALUES(64,17,'view_permission','Can view permission');
INSERT INTO "auth_permission" VALUES(65,18,'add_group','Can add group');
INSERT INTO "auth_permission" VALUES(66,18,'change_group','Can change group');
INSERT INTO "auth_permission" VALUES(67,18,'delete_group','Can delete group');
INSERT INTO "auth_permission" VALUES(68,18,'view_group','Can view group');
INSERT INTO "auth_permission" VALUES(69,19,'add_user','Can add user');
INSERT INTO "auth_permission" VALUES(70,19,'change_user','Can change user');
INSERT INTO "auth_permission" VALUES(71,19,'delete_user','Can delete user');
INSERT INTO "auth_permission" VALUES(72,19,'view_user','Can view user');
INSERT INTO "auth_permission" VALUES(73,20,'add_contenttype','Can add content type');
INSERT INTO "auth_permission" VALUES(74,20,'change_contenttype','Can change content type');
INSERT INTO "auth_permission" VALUES(75,20,'delete_contenttype','Can delete content type');
INSERT INTO "auth_permission" VALUES(76,20,'view_contenttype','Can view content type');
INSERT INTO "auth_permission" VALUES(77,21,'add_session','Can add session');
INSERT INTO "auth_permission" VALUES(78,21,'change_session','Can change session');
INSERT INTO "auth_permission" VALUES(79,21,'delete_session','Can delete session');
INSERT INTO "auth_permission" VALUES(80,21,'view_session','Can view session');
CREATE TABLE "auth_user" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "password" varchar(128) NOT NULL, "last_login" datetime NULL, "is_superuser" bool NOT NULL, "username" varchar(150) NOT NULL UNIQUE, "first_name" varchar(30) NOT NULL, "email" varchar(254) NOT NULL, "is_staff" bool NOT NULL, "is_active" bool NOT NULL, "date_joined" datetime NOT NULL, "last_name" varchar(150) NOT NULL);
INSERT INTO "auth_user" VALUES(1,'argon2$argon2id$v=19$m=19456,t=2,p=1$UUxQbzFpbHU4WW5K$3dgOxkH2nW8jDoKy/Zf64pPTkpLf0xgKMjCnSMQl4uQ',NULL,1,'ann','','ann@example.com',1,1,'2026-12-01 06:37:38.371595','');
INSERT INTO "auth_user" VALUES(2,'argon2$argon2id$v=19$m=19456,t=2,p=1$dFNzQ09HeEpMNTBw$V73IweiRHUhbLzYJsAg+jb5ECKZWVs0m/jeU5IroXmY',NULL,0,'bob','','bob@example.com',0,1,'2026-12-01 06:37:38.419627','');
INSERT INTO "auth_user" VALUES(3,'pbkdf2_sha256$150000$xs7bHqaazCyU$bR9WgCEaOQuzgdS9NTEikahF2WdjMiXW+juIJGwZS+E=',NULL,0,'carol','','carol@example.com',0,1,'2026-12-01 06:37:38.476180','');
INSERT INTO "auth_user" VALUES(4,'!5ewpEbPSn5C1qRiwEUaQJ9TJ0QybjlRORZX44LGk',NULL,0,'ANN','','',0,1,'2026-12-01 06:37:38.633542','');
CREATE TABLE "auth_user_groups" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "user_id" integer NOT NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED, "group_id" integer NOT NULL REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE "auth_user_user_permissions" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "user_id" integer NOT NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED, "permission_id" integer NOT NULL REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE "chatapp_chatmessage" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "seq" bigint NOT NULL, "sender" varchar(80) NOT NULL, "name" varchar(150) NOT NULL, "message" text NOT NULL, "client_id" varchar(64) NOT NULL, "sent" datetime NOT NULL, "room_id" integer NOT NULL REFERENCES "chatapp_room" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "one_message_a_number" UNIQUE ("room_id", "seq"), CONSTRAINT "each_message_once" UNIQUE ("room_id", "sender", "client_id"));
INSERT INTO "chatapp_chatmessage" VALUES(1,1,'server','Parley','Welcome! Open this page in a second window, and chat. /help says what else there is.','demo','2026-12-01 06:37:38.211863',1);
INSERT INTO "chatapp_chatmessage" VALUES(2,1,'server','Parley','Say /roll 2d6 to throw two dice.','demo','2026-12-01 06:37:38.217522',2);
INSERT INTO "chatapp_chatmessage" VALUES(3,1,'server','Parley','Nothing happens here, until you say something.','demo','2026-12-01 06:37:38.221412',3);
INSERT INTO "chatapp_chatmessage" VALUES(4,2,'user:2','bob','message 1 of 日本 🎉','c1','2026-12-01 06:37:38.641413',1);
INSERT INTO "chatapp_chatmessage" VALUES(5,3,'user:1','ann','message 2 of 日本 🎉','c2','2026-12-01 06:37:38.795490',1);
INSERT INTO "chatapp_chatmessage" VALUES(6,4,'user:2','bob','message 3 of 日本 🎉','c3','2026-12-01 06:37:38.808385',1);
INSERT INTO "chatapp_chatmessage" VALUES(7,5,'user:1','ann','message 4 of 日本 🎉','c4','2026-12-01 06:37:38.815691',1);
INSERT INTO "chatapp_chatmessage" VALUES(8,6,'user:2','bob','message 5 of 日本 🎉','c5','2026-12-01 06:37:38.822259',1);
INSERT INTO "chatapp_chatmessage" VALUES(9,7,'user:1','ann','message 6 of 日本 🎉','c6','2026-12-01 06:37:38.827615',1);
INSERT INTO "chatapp_chatmessage" VALUES(10,8,'user:2','bob','message 7 of 日本 🎉','c7','2026-12-01 06:37:38.837166',1);
INSERT INTO "chatapp_chatmessage" VALUES(11,9,'user:1','ann','message 8 of 日本 🎉','c8','2026-12-01 06:37:38.842864',1);
INSERT INTO "chatapp_chatmessage" VALUES(12,10,'user:2','bob','message 9 of 日本 🎉','c9','2026-12-01 06:37:38.845645',1);
INSERT INTO "chatapp_chatmessage" VALUES(13,11,'user:1','ann','message 10 of 日本 🎉','c10','2026-12-01 06:37:39.044519',1);
INSERT INTO "chatapp_chatmessage" VALUES(14,12,'user:2','bob','message 11 of 日本 🎉','c11','2026-12-01 06:37:39.061323',1);
INSERT INTO "chatapp_chatmessage" VALUES(15,13,'user:1','ann','message 12 of 日本 🎉','c12','2026-12-01 06:37:39.064632',1);
INSERT INTO "chatapp_chatmessage" VALUES(16,14,'user:2','bob','message 13 of 日本 🎉','c13','2026-12-01 06:37:39.074922',1);
INSERT INTO "chatapp_chatmessage" VALUES(17,15,'user:1','ann','message 14 of 日本 🎉','c14','2026-12-01 06:37:39.080236',1);
INSERT INTO "chatapp_chatmessage" VALUES(18,16,'user:2','bob','message 15 of 日本 🎉','c15','2026-12-01 06:37:39.088390',1);
INSERT INTO "chatapp_chatmessage" VALUES(19,17,'user:1','ann','message 16 of 日本 🎉','c16','2026-12-01 06:37:39.092530',1);
INSERT INTO "chatapp_chatmessage" VALUES(20,18,'user:2','bob','message 17 of 日本 🎉','c17','2026-12-01 06:37:39.157347',1);
INSERT INTO "chatapp_chatmessage" VALUES(21,19,'user:1','ann','message 18 of 日本 🎉','c18','2026-12-01 06:37:39.234120',1);
INSERT INTO "chatapp_chatmessage" VALUES(22,20,'user:2','bob','message 19 of 日本 🎉','c19','2026-12-01 06:37:39.236272',1);
INSERT INTO "chatapp_chatmessage" VALUES(23,21,'user:1','ann','message 20 of 日本 🎉','c20','2026-12-01 06:37:39.838193',1);
INSERT INTO "chatapp_chatmessage" VALUES(24,1,'guest:f2d746574076dfc8','Zora','a guest''s','g','2026-12-01 06:37:39.906358',4);
CREATE TABLE "chatapp_grant" ("id" varchar(32) NOT NULL PRIMARY KEY, "password_mark" varchar(128) NOT NULL, "session_key" varchar(40) NOT NULL, "made" datetime NOT NULL, "ends" datetime NOT NULL, "user_id" integer NOT NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED);
INSERT INTO "chatapp_grant" VALUES('854cf2aff5f349bca7743fb48cb9e58f','','','2026-12-01 06:37:39.941787','2026-12-31 06:37:39.941798',2);
CREATE TABLE "chatapp_idempotencykey" ("key" varchar(100) NOT NULL PRIMARY KEY, "result" text NOT NULL, "ends" datetime NOT NULL);
CREATE TABLE "chatapp_membership" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "muted" bool NOT NULL, "since" datetime NOT NULL, "room_id" integer NOT NULL REFERENCES "chatapp_room" ("id") DEFERRABLE INITIALLY DEFERRED, "user_id" integer NOT NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "one_membership_a_room" UNIQUE ("room_id", "user_id"));
INSERT INTO "chatapp_membership" VALUES(1,0,'2026-12-01 06:37:39.920095',1,2);
CREATE TABLE "chatapp_presence" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "channel" varchar(100) NOT NULL UNIQUE, "sender" varchar(80) NOT NULL, "name" varchar(150) NOT NULL, "login" varchar(40) NOT NULL, "seen" datetime NOT NULL, "user_id" integer NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED, "expires" datetime NULL, "room_id" integer NULL REFERENCES "chatapp_room" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE "chatapp_room" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "slug" varchar(64) NOT NULL UNIQUE, "title" varchar(120) NOT NULL, "head" bigint NOT NULL, "announced" bigint NOT NULL, "created" datetime NOT NULL, "followed" bool NOT NULL, "maker" varchar(80) NOT NULL);
INSERT INTO "chatapp_room" VALUES(1,'lobby','Lobby',21,0,'2026-12-01 06:37:38.208723',0,'');
INSERT INTO "chatapp_room" VALUES(2,'dice','Dice',1,0,'2026-12-01 06:37:38.214951',0,'');
INSERT INTO "chatapp_room" VALUES(3,'quiet','Quiet corner',1,0,'2026-12-01 06:37:38.219912',0,'');
INSERT INTO "chatapp_room" VALUES(4,'Team','The team',1,0,'2026-12-01 06:37:38.634894',0,'');
INSERT INTO "chatapp_room" VALUES(5,'team','Another team',0,0,'2026-12-01 06:37:38.638423',0,'');
CREATE TABLE "chatapp_ticket" ("id" varchar(64) NOT NULL PRIMARY KEY, "login" varchar(40) NOT NULL, "expires" datetime NULL, "password_mark" varchar(128) NOT NULL, "room" varchar(64) NOT NULL, "ends" datetime NOT NULL, "used_by" varchar(100) NOT NULL, "user_id" integer NOT NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE "chatapp_tries" ("key" varchar(64) NOT NULL PRIMARY KEY, "count" integer NOT NULL, "begun" datetime NOT NULL, "until" datetime NOT NULL);
CREATE TABLE "dashboard_duty" ("name" varchar(32) NOT NULL PRIMARY KEY, "holder" varchar(80) NOT NULL, "until" datetime NOT NULL);
CREATE TABLE "dashboard_point" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "seq" bigint NOT NULL, "at" real NOT NULL, "value" real NOT NULL, "series_id" integer NOT NULL REFERENCES "dashboard_series" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "one_point_a_number" UNIQUE ("series_id", "seq"));
INSERT INTO "dashboard_point" VALUES(1,1,1796100000.0,5.5,1);
INSERT INTO "dashboard_point" VALUES(2,2,1796100060.0,6.5,1);
CREATE TABLE "dashboard_series" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(80) NOT NULL UNIQUE, "dashboard" varchar(32) NOT NULL, "head" bigint NOT NULL, "announced" bigint NOT NULL, "framed" real NOT NULL, "created" datetime NOT NULL, "owner_id" integer NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED, "shared" bool NOT NULL);
INSERT INTO "dashboard_series" VALUES(1,'garden.soil.bed-1','garden',2,0,0.0,'2026-12-01 06:37:39.932539',NULL,0);
CREATE TABLE "django_admin_log" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "action_time" datetime NOT NULL, "object_id" text NULL, "object_repr" varchar(200) NOT NULL, "change_message" text NOT NULL, "content_type_id" integer NULL REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED, "user_id" integer NOT NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED, "action_flag" smallint unsigned NOT NULL CHECK ("action_flag" >= 0));
CREATE TABLE "django_content_type" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app_label" varchar(100) NOT NULL, "model" varchar(100) NOT NULL);
INSERT INTO "django_content_type" VALUES(1,'relay','deployment');
INSERT INTO "django_content_type" VALUES(2,'chatapp','room');
INSERT INTO "django_content_type" VALUES(3,'chatapp','presence');
INSERT INTO "django_content_type" VALUES(4,'chatapp','chatmessage');
INSERT INTO "django_content_type" VALUES(5,'chatapp','grant');
INSERT INTO "django_content_type" VALUES(6,'chatapp','membership');
INSERT INTO "django_content_type" VALUES(7,'chatapp','tries');
INSERT INTO "django_content_type" VALUES(8,'chatapp','ticket');
INSERT INTO "django_content_type" VALUES(9,'chatapp','idempotencykey');
INSERT INTO "django_content_type" VALUES(10,'notifications','notification');
INSERT INTO "django_content_type" VALUES(11,'notifications','delivery');
INSERT INTO "django_content_type" VALUES(12,'notifications','digest');
INSERT INTO "django_content_type" VALUES(13,'dashboard','duty');
INSERT INTO "django_content_type" VALUES(14,'dashboard','series');
INSERT INTO "django_content_type" VALUES(15,'dashboard','point');
INSERT INTO "django_content_type" VALUES(16,'admin','logentry');
INSERT INTO "django_content_type" VALUES(17,'auth','permission');
INSERT INTO "django_content_type" VALUES(18,'auth','group');
INSERT INTO "django_content_type" VALUES(19,'auth','user');
INSERT INTO "django_content_type" VALUES(20,'contenttypes','contenttype');
INSERT INTO "django_content_type" VALUES(21,'sessions','session');
CREATE TABLE "django_migrations" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app" varchar(255) NOT NULL, "name" varchar(255) NOT NULL, "applied" datetime NOT NULL);
INSERT INTO "django_migrations" VALUES(1,'contenttypes','0001_initial','2026-12-01 06:37:36.942255');
INSERT INTO "django_migrations" VALUES(2,'auth','0001_initial','2026-12-01 06:37:36.952256');
INSERT INTO "django_migrations" VALUES(3,'admin','0001_initial','2026-12-01 06:37:36.964114');
INSERT INTO "django_migrations" VALUES(4,'admin','0002_logentry_remove_auto_add','2026-12-01 06:37:36.978826');
INSERT INTO "django_migrations" VALUES(5,'admin','0003_logentry_add_action_flag_choices','2026-12-01 06:37:36.987994');
INSERT INTO "django_migrations" VALUES(6,'contenttypes','0002_remove_content_type_name','2026-12-01 06:37:37.013012');
INSERT INTO "django_migrations" VALUES(7,'auth','0002_alter_permission_name_max_length','2026-12-01 06:37:37.034979');
INSERT INTO "django_migrations" VALUES(8,'auth','0003_alter_user_email_max_length','2026-12-01 06:37:37.052492');
INSERT INTO "django_migrations" VALUES(9,'auth','0004_alter_user_username_opts','2026-12-01 06:37:37.076334');
INSERT INTO "django_migrations" VALUES(10,'auth','0005_alter_user_last_login_null','2026-12-01 06:37:37.096285');
INSERT INTO "django_migrations" VALUES(11,'auth','0006_require_contenttypes_0002','2026-12-01 06:37:37.105867');
INSERT INTO "django_migrations" VALUES(12,'auth','0007_alter_validators_add_error_messages','2026-12-01 06:37:37.120359');
INSERT INTO "django_migrations" VALUES(13,'auth','0008_alter_user_username_max_length','2026-12-01 06:37:37.137180');
INSERT INTO "django_migrations" VALUES(14,'auth','0009_alter_user_last_name_max_length','2026-12-01 06:37:37.160514');
INSERT INTO "django_migrations" VALUES(15,'auth','0010_alter_group_name_max_length','2026-12-01 06:37:37.191697');
INSERT INTO "django_migrations" VALUES(16,'auth','0011_update_proxy_permissions','2026-12-01 06:37:37.212825');
INSERT INTO "django_migrations" VALUES(17,'chatapp','0001_initial','2026-12-01 06:37:37.310329');
INSERT INTO "django_migrations" VALUES(18,'chatapp','0002_tokens_and_memberships','2026-12-01 06:37:37.491054');
INSERT INTO "django_migrations" VALUES(19,'chatapp','0003_tickets_and_tries','2026-12-01 06:37:37.510769');
INSERT INTO "django_migrations" VALUES(20,'chatapp','0004_idempotency_keys','2026-12-01 06:37:37.518943');
INSERT INTO "django_migrations" VALUES(21,'chatapp','0005_room_quotas','2026-12-01 06:37:37.576753');
INSERT INTO "django_migrations" VALUES(22,'dashboard','0001_initial','2026-12-01 06:37:37.600802');
INSERT INTO "django_migrations" VALUES(23,'dashboard','0002_quotas','2026-12-01 06:37:37.662966');
INSERT INTO "django_migrations" VALUES(24,'notifications','0001_initial','2026-12-01 06:37:37.763174');
INSERT INTO "django_migrations" VALUES(25,'notifications','0002_quotas','2026-12-01 06:37:37.961135');
INSERT INTO "django_migrations" VALUES(26,'relay','0001_channel_layer','2026-12-01 06:37:37.986331');
INSERT INTO "django_migrations" VALUES(27,'relay','0002_functions','2026-12-01 06:37:38.007276');
INSERT INTO "django_migrations" VALUES(28,'relay','0003_late_calls','2026-12-01 06:37:38.059832');
INSERT INTO "django_migrations" VALUES(29,'relay','0004_deployment','2026-12-01 06:37:38.071200');
INSERT INTO "django_migrations" VALUES(30,'sessions','0001_initial','2026-12-01 06:37:38.075677');
CREATE TABLE "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL, "expire_date" datetime NOT NULL);
INSERT INTO "django_session" VALUES('t2m4tppz37cj5qxuuttyix0xacfaqr7j','ZjMwZWUwZmMxODRmNzE1Y2QyYmRkYThmNmJmNjIzNzMxNzhmMzJmOTp7Il9hdXRoX3VzZXJfaWQiOiIxIiwiX2F1dGhfdXNlcl9iYWNrZW5kIjoiZGphbmdvLmNvbnRyaWIuYXV0aC5iYWNrZW5kcy5Nb2RlbEJhY2tlbmQiLCJfYXV0aF91c2VyX2hhc2giOiJmMTUyN2VjZDJkMmFlYmFjODhjOWIzYWNiY2JjYjNlMmNlYjI3ZTQyIn0=','2026-12-15 06:37:39.948385');
CREATE TABLE "notifications_delivery" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "backend" varchar(120) NOT NULL, "wanted" integer unsigned NOT NULL CHECK ("wanted" >= 0), "done" integer unsigned NOT NULL CHECK ("done" >= 0), "due" datetime NULL, "asks" integer unsigned NOT NULL CHECK ("asks" >= 0), "notification_id" bigint NOT NULL REFERENCES "notifications_notification" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "one_delivery_a_backend" UNIQUE ("notification_id", "backend"));
CREATE TABLE "notifications_digest" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "backend" varchar(120) NOT NULL, "at" datetime NOT NULL, "user_id" integer NOT NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "one_digest_a_backend" UNIQUE ("user_id", "backend"));
CREATE TABLE "notifications_notification" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "key" varchar(120) NOT NULL, "source" varchar(40) NOT NULL, "category" varchar(40) NOT NULL, "action" varchar(40) NOT NULL, "object" varchar(120) NOT NULL, "text" varchar(300) NOT NULL, "url" varchar(300) NOT NULL, "extra_json" text NOT NULL, "created" datetime NOT NULL, "read" datetime NULL, "user_id" integer NOT NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED, "by" varchar(80) NOT NULL, CONSTRAINT "one_notification_a_key" UNIQUE ("user_id", "source", "key"));
INSERT INTO "notifications_notification" VALUES(1,'8b7efd19ef284b9ab3ef5f5b1dadf1cd','test','mention','mentioned','lobby','ann mentioned you','/chat/lobby/','{}','2026-12-01 06:37:39.924690',NULL,2,'');
CREATE TABLE relay_count (
    channel text PRIMARY KEY,
    sent integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    expired integer NOT NULL DEFAULT 0
) WITHOUT ROWID;
INSERT INTO "relay_count" VALUES('chat-messages',22,0,0);
CREATE TABLE relay_crowd (
    crowd text NOT NULL,
    process text NOT NULL,
    capacity integer NOT NULL,
    until real NOT NULL,
    PRIMARY KEY (crowd, process)
) WITHOUT ROWID;
CREATE TABLE "relay_deployment" ("id" smallint unsigned NOT NULL PRIMARY KEY CHECK ("id" >= 0), "identity" varchar(32) NOT NULL);
CREATE TABLE relay_epoch (
    one integer PRIMARY KEY DEFAULT 1,
    name text NOT NULL,
    swept real NOT NULL
);
CREATE TABLE relay_lease (
    lane text PRIMARY KEY,
    holder text NOT NULL,
    take integer NOT NULL,
    channel text NOT NULL,
    first integer NOT NULL,
    size integer NOT NULL,
    until real NOT NULL
) WITHOUT ROWID;
CREATE TABLE relay_letter (
    mid text PRIMARY KEY,
    lane text NOT NULL,
    channel text NOT NULL,
    target text NOT NULL,
    body blob NOT NULL,
    lifetime real NOT NULL,
    died real NOT NULL,
    attempts integer NOT NULL,
    reason text NOT NULL
) WITHOUT ROWID;
CREATE TABLE relay_life (
    kind text NOT NULL,
    name text NOT NULL,
    until real NOT NULL,
    report text NOT NULL DEFAULT '', late bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE TABLE relay_member (
    crowd text NOT NULL,
    channel text NOT NULL,
    process text NOT NULL,
    until real NOT NULL,
    PRIMARY KEY (crowd, channel)
) WITHOUT ROWID;
CREATE TABLE relay_message (
    id integer PRIMARY KEY,
    lane text NOT NULL,
    channel text NOT NULL,
    target text NOT NULL,
    mid text NOT NULL,
    body blob NOT NULL,
    sent real NOT NULL,
    deadline real NOT NULL,
    tries integer NOT NULL DEFAULT 0
);
INSERT INTO "relay_message" VALUES(1,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-0',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705871299505234e+09,9e999,0);
INSERT INTO "relay_message" VALUES(2,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-1',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705879599595073e+09,9e999,0);
INSERT INTO "relay_message" VALUES(3,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-2',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705880899143216e+09,9e999,0);
INSERT INTO "relay_message" VALUES(4,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-3',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705881599187847e+09,9e999,0);
INSERT INTO "relay_message" VALUES(5,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-4',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705882198667523e+09,9e999,0);
INSERT INTO "relay_message" VALUES(6,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-5',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705882798147203e+09,9e999,0);
INSERT INTO "relay_message" VALUES(7,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-6',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.7961070588369936943e+09,9e999,0);
INSERT INTO "relay_message" VALUES(8,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-7',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705884298825271e+09,9e999,0);
INSERT INTO "relay_message" VALUES(9,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-8',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.7961070588460059166e+09,9e999,0);
INSERT INTO "relay_message" VALUES(10,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-9',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.7961070590540111065e+09,9e999,0);
INSERT INTO "relay_message" VALUES(11,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-a',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705906101179125e+09,9e999,0);
INSERT INTO "relay_message" VALUES(12,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-b',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705906499481198e+09,9e999,0);
INSERT INTO "relay_message" VALUES(13,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-c',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.7961070590750126838e+09,9e999,0);
INSERT INTO "relay_message" VALUES(14,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-d',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705908000183104e+09,9e999,0);
INSERT INTO "relay_message" VALUES(15,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-e',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705908901405331e+09,9e999,0);
INSERT INTO "relay_message" VALUES(16,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-f',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705909299707416e+09,9e999,0);
INSERT INTO "relay_message" VALUES(17,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-10',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705915801382058e+09,9e999,0);
INSERT INTO "relay_message" VALUES(18,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-11',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705923401403434e+09,9e999,0);
INSERT INTO "relay_message" VALUES(19,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-12',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705923699140547e+09,9e999,0);
INSERT INTO "relay_message" VALUES(20,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-13',X'82A4726F6F6DA56C6F626279A8616E6E6F756E6365C3',1.79610705989701604839e+09,9e999,0);
INSERT INTO "relay_message" VALUES(21,'room=Team','chat-messages','=chat-messages','4647584186ab42f3-aa7-14',X'82A4726F6F6DA45465616DA8616E6E6F756E6365C3',1.79610705990699386601e+09,9e999,0);
INSERT INTO "relay_message" VALUES(22,'room=lobby','chat-messages','=chat-messages','4647584186ab42f3-aa7-15',X'83A4726F6F6DA56C6F626279A76D657373616765AA6F6E2069747320776179A9636C69656E745F6964A3776179',1.7961070599539861679e+09,9e999,0);
CREATE TABLE relay_sender (name text PRIMARY KEY, call integer NOT NULL, answer text NOT NULL, at real NOT NULL) WITHOUT ROWID;
INSERT INTO "relay_sender" VALUES('4647584186ab42f3-aa7-16',1,'[]',1.7961070599539861679e+09);
CREATE UNIQUE INDEX "auth_group_permissions_group_id_permission_id_0cd325b0_uniq" ON "auth_group_permissions" ("group_id", "permission_id");
CREATE INDEX "auth_group_permissions_group_id_b120cbf9" ON "auth_group_permissions" ("group_id");
CREATE INDEX "auth_group_permissions_permission_id_84c5c92e" ON "auth_group_permissions" ("permission_id");
CREATE UNIQUE INDEX "auth_user_groups_user_id_group_id_94350c0c_uniq" ON "auth_user_groups" ("user_id", "group_id");
CREATE INDEX "auth_user_groups_user_id_6a12ed8b" ON "auth_user_groups" ("user_id");
CREATE INDEX "auth_user_groups_group_id_97559544" ON "auth_user_groups" ("group_id");
CREATE UNIQUE INDEX "auth_user_user_permissions_user_id_permission_id_14a6b632_uniq" ON "auth_user_user_permissions" ("user_id", "permission_id");
CREATE INDEX "auth_user_user_permissions_user_id_a95ead1b" ON "auth_user_user_permissions" ("user_id");
CREATE INDEX "auth_user_user_permissions_permission_id_1fbb5f2c" ON "auth_user_user_permissions" ("permission_id");
CREATE INDEX "django_admin_log_content_type_id_c4bce8eb" ON "django_admin_log" ("content_type_id");
CREATE INDEX "django_admin_log_user_id_c564eba6" ON "django_admin_log" ("user_id");
CREATE UNIQUE INDEX "django_content_type_app_label_model_76bd3d3b_uniq" ON "django_content_type" ("app_label", "model");
CREATE UNIQUE INDEX "auth_permission_content_type_id_codename_01ab375a_uniq" ON "auth_permission" ("content_type_id", "codename");
CREATE INDEX "auth_permission_content_type_id_2f476e4b" ON "auth_permission" ("content_type_id");
CREATE INDEX "rate_of_a_sender" ON "chatapp_chatmessage" ("sender", "sent");
CREATE INDEX "chatapp_presence_user_id_77a980d2" ON "chatapp_presence" ("user_id");
CREATE INDEX "who_is_here" ON "chatapp_presence" ("room_id", "seen");
CREATE INDEX "whose_token_ends" ON "chatapp_presence" ("expires");
CREATE INDEX "chatapp_grant_session_key_b736bb8d" ON "chatapp_grant" ("session_key");
CREATE INDEX "chatapp_grant_ends_2dee7f79" ON "chatapp_grant" ("ends");
CREATE INDEX "chatapp_grant_user_id_c85062e1" ON "chatapp_grant" ("user_id");
CREATE INDEX "chatapp_membership_user_id_bb191911" ON "chatapp_membership" ("user_id");
CREATE INDEX "chatapp_tries_begun_d09a75b9" ON "chatapp_tries" ("begun");
CREATE INDEX "chatapp_ticket_ends_048b56c7" ON "chatapp_ticket" ("ends");
CREATE INDEX "chatapp_ticket_user_id_98960516" ON "chatapp_ticket" ("user_id");
CREATE INDEX "chatapp_idempotencykey_ends_fc07ea21" ON "chatapp_idempotencykey" ("ends");
CREATE INDEX "busiest_rooms" ON "chatapp_room" ("head"DESC, "slug");
CREATE INDEX "rooms_of_a_maker" ON "chatapp_room" ("maker", "created");
CREATE INDEX "rooms_to_announce" ON "chatapp_room" ("id") WHERE "announced" < ("head");
CREATE INDEX "rooms_without_messages" ON "chatapp_room" ("id") WHERE ("head" = 0 AND "maker" > '');
CREATE INDEX "dashboard_series_dashboard_62ba9805" ON "dashboard_series" ("dashboard");
CREATE INDEX "dashboard_series_owner_id_7dc794f0" ON "dashboard_series" ("owner_id");
CREATE INDEX "notifications_delivery_due_077cd774" ON "notifications_delivery" ("due");
CREATE INDEX "notifications_delivery_notification_id_ea8dc048" ON "notifications_delivery" ("notification_id");
CREATE INDEX "notifications_notification_user_id_b5e8c0ff" ON "notifications_notification" ("user_id");
CREATE INDEX "what_is_unread" ON "notifications_notification" ("user_id", "read", "object");
CREATE INDEX "newest_notifications" ON "notifications_notification" ("user_id", "created");
CREATE INDEX "who_causes_much" ON "notifications_notification" ("user_id", "by", "created");
CREATE INDEX "who_knows_of_it" ON "notifications_notification" ("object") WHERE "read" IS NULL;
CREATE INDEX "old_notifications" ON "notifications_notification" ("created");
CREATE INDEX "read_notifications" ON "notifications_notification" ("read");
CREATE INDEX relay_message_channel ON relay_message (channel, id);
CREATE INDEX relay_message_lane ON relay_message (lane, id);
CREATE INDEX relay_message_deadline ON relay_message (deadline);
CREATE INDEX relay_member_process ON relay_member (process);
CREATE INDEX "django_session_expire_date_a5c62663" ON "django_session" ("expire_date");
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('django_migrations',30);
INSERT INTO "sqlite_sequence" VALUES('django_admin_log',0);
INSERT INTO "sqlite_sequence" VALUES('django_content_type',21);
INSERT INTO "sqlite_sequence" VALUES('auth_permission',80);
INSERT INTO "sqlite_sequence" VALUES('auth_user',4);
INSERT INTO "sqlite_sequence" VALUES('auth_group',0);
INSERT INTO "sqlite_sequence" VALUES('chatapp_chatmessage',24);
INSERT INTO "sqlite_sequence" VALUES('chatapp_presence',0);
INSERT INTO "sqlite_sequence" VALUES('chatapp_membership',1);
INSERT INTO "sqlite_sequence" VALUES('chatapp_room',5);
INSERT INTO "sqlite_sequence" VALUES('dashboard_point',2);
INSERT INTO "sqlite_sequence" VALUES('dashboard_series',1);
INSERT INTO "sqlite_sequence" VALUES('notifications_delivery',0);
INSERT INTO "sqlite_sequence" VALUES('notifications_notification',1);
INSERT INTO "sqlite_sequence" VALUES('notifications_digest',0);
COMMIT;
