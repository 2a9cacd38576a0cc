module github.com/parleygo/parley/examples/cluster

go 1.26.0

require (
	github.com/gorilla/websocket v1.5.3
	github.com/parleygo/parley v0.0.0
	github.com/parleygo/parley/channel/nats v0.0.0
	github.com/parleygo/parley/channel/redis v0.0.0
)

require (
	github.com/antithesishq/antithesis-sdk-go v0.9.0-default-no-op // indirect
	github.com/coreos/go-systemd/v22 v22.3.1 // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/klauspost/compress v1.20.4 // indirect
	github.com/minio/highwayhash v1.0.4 // indirect
	github.com/nats-io/jwt/v2 v2.8.3 // indirect
	github.com/nats-io/nats-server/v2 v2.15.3 // indirect
	github.com/nats-io/nats.go v1.55.0 // indirect
	github.com/nats-io/nkeys v0.4.17 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/olahol/melody v1.4.0 // indirect
	github.com/panjf2000/ants/v2 v2.12.0 // indirect
	github.com/redis/rueidis v1.0.79 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)

replace (
	github.com/parleygo/parley => ../..
	github.com/parleygo/parley/channel/nats => ../../channel/nats
	github.com/parleygo/parley/channel/redis => ../../channel/redis
)
