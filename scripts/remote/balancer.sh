#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
#
# nginx in front of servers of the Open Inference Protocol: each request goes to the next of them that is there, by gRPC
# and by REST. On two more ports the same with TLS, for those who send the right token. Runs until it is ended.
#
#   balancer.sh NGINX FOLDER ADDRESS GRPC HTTP GRPCS HTTPS SERVER'S-GRPC SERVER'S-HTTP ...
#
# NGINX is the program, FOLDER where it finds ca.pem, certificate.pem, key.pem and token; then the ports to listen on, and
# ADDRESS:PORT of each server, for gRPC and for REST.
set -euo pipefail
nginx=$1 folder=$2 address=$3 grpc=$4 http=$5 grpcs=$6 https=$7
shift 7
grpc_servers='' http_servers=''
while [ $# -ne 0 ]; do
  grpc_servers+="server $1 max_fails=1 fail_timeout=1s; "
  http_servers+="server $2 max_fails=1 fail_timeout=1s; "
  shift 2
done

cat >"$folder/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $folder/nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path $folder/bodies;
  proxy_temp_path $folder/proxy;
  fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi;
  scgi_temp_path $folder/scgi;

  # A request has the tensors of a frame: more than the 1 MB that nginx allows, and better kept in memory.
  client_max_body_size 64m;
  client_body_buffer_size 8m;
  proxy_buffering off;
  # A connection is for as long as the stream plays; nginx ends it after 1000 requests.
  keepalive_requests 100000000;
  keepalive_time 1d;

  upstream by_grpc { $grpc_servers keepalive 16; }
  upstream by_rest { $http_servers keepalive 16; }
  # To ask another server again does no harm.
  grpc_next_upstream error timeout http_502 http_503 non_idempotent;
  proxy_next_upstream error timeout http_502 http_503 non_idempotent;
  grpc_connect_timeout 1s;
  proxy_connect_timeout 1s;
  proxy_http_version 1.1;
  proxy_set_header Connection "";

  server { listen $address:$grpc http2; location / { grpc_pass grpc://by_grpc; } }
  server { listen $address:$http; location / { proxy_pass http://by_rest; } }

  ssl_certificate $folder/certificate.pem;
  ssl_certificate_key $folder/key.pem;
  map \$http_authorization \$is_known { default 0; "Bearer $(cat "$folder/token")" 1; }
  server {
    listen $address:$grpcs ssl http2;
    if (\$is_known = 0) { return 401; }
    location / { grpc_pass grpc://by_grpc; }
  }
  server {
    listen $address:$https ssl;
    if (\$is_known = 0) { return 401; }
    location / { proxy_pass http://by_rest; }
  }
}
CONF
exec "$nginx" -p "$folder" -c "$folder/nginx.conf" -e stderr
