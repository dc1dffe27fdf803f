"""The commands of `tpe`, a module each; `tpe.cli` registers them."""
