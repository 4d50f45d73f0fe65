#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# Makes manual pages of what the command says of itself: debian/man.sh COMMAND FOLDER
set -eu
command=$1 folder=$2
mkdir -p "$folder"
"$command" --help | awk '/^Commands:/ { inside = 1; next } /^$/ { inside = 0 } inside && $1 != "help" { print $1 }' \
  >"$folder/commands"

help2man --no-info --name 'run models on live video and sound, and choose among them' "$command" >"$folder/avrec.1"
{
  echo '.SH "SEE ALSO"'
  sed 's/.*/.BR avrec\\-& (1),/' "$folder/commands"
  echo '.BR gst\-launch\-1.0 (1)'
} >>"$folder/avrec.1"

version=$("$command" --version)
while read -r part; do
  about=$("$command" "$part" --help | head -n 1)
  help2man --no-info --version-string "$version" --name "$about" "$command $part" \
    | sed -e "1,/^\.SH SYNOPSIS/s/^avrec \\\\- /avrec\\\\-$part \\\\- /" -e '/^\.TH/s/ AVREC / AVREC-'"$(echo "$part" | tr a-z A-Z)"' /' \
      >"$folder/avrec-$part.1"
  printf '.SH "SEE ALSO"\n.BR avrec (1)\n' >>"$folder/avrec-$part.1"
done <"$folder/commands"
rm "$folder/commands"
