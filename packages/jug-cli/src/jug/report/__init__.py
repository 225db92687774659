"""One page that tells the whole run: what there is to tell, its pictures, and the page as HTML.

The page is one file and fetches nothing.  All figures come from what the commands print too
(`jug.status`, `jug.progress`, `jug.views`); all is counted and drawn here, so that the page
does not grow with the tasks.  A short script adds what needs one: search, order, and looking
anew.  Without it the page says the same.
"""
