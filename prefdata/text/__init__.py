"""What can be measured in a Japanese text and its English source, without deciding anything."""
