"""
Notices: who is away when something is said hears of it on return.

From: Real-time chat with PostgreSQL and notifications (S3)

Try: log in as anna in one window and as bob in another, and say something in both. Close bob's, say something as anna,
and log in as bob again.

A page of another site, or an app, has no cookie. It gets a token by HTTP, and says it in its first frame, so that it
stands in no address. A notification is stored before it is sent, and what can't be sent is tried again: the database
and the channel layer do what the document asks RabbitMQ for.
"""
