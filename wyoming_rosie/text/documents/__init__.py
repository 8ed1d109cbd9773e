"""Documents as text: their sections with headings, in parts that are short enough to be found and quoted."""
