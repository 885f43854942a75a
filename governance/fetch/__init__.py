"""Where an audit reads public files from: a directory, a bundle file, an instance over HTTP."""
