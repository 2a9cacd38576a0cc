package redis

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/rueidis"
)

// What a server is, and what it says when it is not as it should be.

// roleOf asks a server, or in a cluster any, what it is: "master" is the one that is
// wanted. All users may ask, but what stands between may not know the question.
func roleOf(ctx context.Context, client rueidis.CoreClient) (string, error) {
	answer, err := client.Do(ctx, client.B().Arbitrary("HELLO").Build()).AsMap()
	if answers(err, "unknown command") {
		return infoOf(ctx, client, "replication", "role")
	}
	if err != nil {
		return "", err
	}
	role := answer["role"]
	return role.ToString()
}

// infoOf returns a line of what INFO says.
func infoOf(
	ctx context.Context, client rueidis.CoreClient, section, name string,
) (string, error) {
	info, err := client.Do(ctx, client.B().Info().Section(section).Build()).ToString()
	for line := range strings.Lines(info) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strings.TrimSpace(value), nil
		}
	}
	return "", err
}

// answers reports whether err is an answer of the server that begins like this.
func answers(err error, beginning string) bool {
	var answer *rueidis.RedisError
	return errors.As(err, &answer) && strings.HasPrefix(answer.Error(), beginning)
}

// answered reports whether err is an answer of the server, which has done nothing then.
func answered(err error) bool {
	var answer *rueidis.RedisError
	return errors.As(err, &answer)
}

// refusesWrites reports whether a master takes no writes for now, since it cannot save
// them or has no replicas. It publishes all the same.
func refusesWrites(err error) bool { return answers(err, "MISCONF") || answers(err, "NOREPLICAS") }

// shards reports whether the cluster knows pub/sub that goes to the node of a slot alone.
func (t *Transport) shards(ctx context.Context) (bool, error) {
	if t.options.Unsharded {
		return false, nil
	}
	probe := t.client.B().Spublish().Channel(t.names.of(plain, "probe")).Message("").Build()
	err := t.client.Do(ctx, probe).Error()
	if answers(err, "unknown command") {
		return false, nil
	}
	return true, err
}

// lookAtMemory warns of a server that drops what it is told to keep. Where the user may
// not ask nothing is known.
func (t *Transport) lookAtMemory(ctx context.Context) {
	policy, _ := infoOf(ctx, t.client, "memory", "maxmemory_policy")
	limit, _ := infoOf(ctx, t.client, "memory", "maxmemory")
	if policy != "" && policy != "noeviction" && limit != "0" {
		t.options.Logger.Warn("redis: the server may evict logs, leases and jobs, "+
			"instead of refusing what it has no room for", "maxmemory-policy", policy)
	}
}
