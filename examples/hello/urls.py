"""No URLs: the consumer answers every request before Django's views are asked."""

urlpatterns = []
