"""
Notifications: what users should know, wherever they are.

    from chatapp.notifications.notify import notify

    notify(user, source="billing", category="invoice", action="due", object="invoice:7", text="Invoice 7 is due")

    notify       make one, from any code
    models       what is stored: notifications, and how far their deliveries are
    inbox        a user's notifications as frames: what there is, what is read
    delivery     a worker's part: each backend in its own time, tried again
    backends     socket, e-mail, webhook, and how to write another
"""

default_app_config = "chatapp.notifications.apps.NotificationsConfig"
