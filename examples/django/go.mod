module github.com/parleygo/parley/examples/django

go 1.25.0

require (
	github.com/gorilla/websocket v1.5.3
	github.com/mattn/go-sqlite3 v1.14.32
	github.com/parleygo/parley v0.0.0
	github.com/parleygo/parley/channel/redis v0.0.0
)

require (
	github.com/alexedwards/scs/v2 v2.8.0 // indirect
	github.com/coreos/go-systemd/v22 v22.3.1 // indirect
	github.com/fernet/fernet-go v0.0.0-20240119011108-303da6aec611 // indirect
	github.com/golang-jwt/jwt/v5 v5.2.2 // indirect
	github.com/olahol/melody v1.4.0 // indirect
	github.com/panjf2000/ants/v2 v2.12.0 // indirect
	github.com/redis/rueidis v1.0.79 // indirect
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/net v0.57.0 // indirect
	golang.org/x/sync v0.22.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.41.0 // indirect
	golang.org/x/time v0.1.0 // indirect
)

replace (
	github.com/parleygo/parley => ../..
	github.com/parleygo/parley/channel/redis => ../../channel/redis
)
