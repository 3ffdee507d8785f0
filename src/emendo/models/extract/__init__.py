"""Fields out of the words of a document: a light network tags each word, and what agrees becomes the document."""
