"""Family `fields`: a light network that tags the words of documents."""
