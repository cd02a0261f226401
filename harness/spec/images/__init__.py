"""Images that exist already, in a folder, an archive or a Parquet file: names, then bytes.

An index of names is held, never more than one image (of Parquet, one page, which
is as large as whoever wrote it made it): a folder and a zip are
read in place, a tar too; a compressed tar and a Parquet file, in which nothing
can be found without reading what lies before it, are copied once to a temporary
file. Nothing is ever unpacked to where its name says, so no name leads anywhere.

One image that is broken, too large, a link or of a bad name is a `Failure` and
is counted. A container that cannot be read at all, or unpacks to more than
`EXPANSION` times its size, is a `SpecError`: nothing in it can be relied on.
"""

from harness.spec.images.album import digest, images, opened

__all__ = ["digest", "images", "opened"]
