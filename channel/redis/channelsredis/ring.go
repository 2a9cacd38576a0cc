package channelsredis

import (
	"hash/crc32"
	"strings"
)

// ring chooses one of so many hosts for a name, as channels_redis does: 4096 places in
// even parts.
func ring(name string, hosts int) int {
	place := crc32.ChecksumIEEE([]byte(name)) & 0xFFF
	return int(float64(place) / (4096 / float64(hosts)))
}

// nonLocal is the part of a name that leads to its process: up to the '!', or all of it.
func nonLocal(name string) string {
	before, _, local := strings.Cut(name, "!")
	if local {
		return before + "!"
	}
	return name
}

// addressOf is what a subject of a layer means to Channels; of one that is none of a
// layer's it is empty.
func addressOf(subject string) address {
	const group, direct = ".group.", ".channel."
	atGroup, atDirect := strings.Index(subject, group), strings.Index(subject, direct)
	switch {
	case atGroup >= 0 && (atDirect < 0 || atGroup < atDirect):
		return address{group: subject[atGroup+len(group):]}
	case atDirect >= 0:
		return address{direct: subject[atDirect+len(direct):]}
	}
	return address{}
}

// layers reports whether a name can be one of a layer's: the part before the '!' ends
// with what layers call themselves. Those of Channels are hexadecimal.
func layers(name string) bool {
	before, _, local := strings.Cut(name, "!")
	id := before[strings.LastIndexByte(before, '.')+1:]
	return local && len(id) == 16 && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}
