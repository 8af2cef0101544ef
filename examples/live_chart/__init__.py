"""
Live chart: a POST redraws the chart in every open browser.

From: "Beyond chat": server-side events with Django REST framework (S2)

Try: open the page in two tabs, and send points with its form, or with curl.

Nobody sends anything through the socket here: something happens on the server, and the server tells the browsers. The
view needs to know no socket, only the name of the group.
"""
