package redis

// crc16 is the checksum by which Redis Cluster finds slots: CRC-16/XMODEM.
func crc16(text string) uint16 {
	var sum uint16
	for i := range len(text) {
		sum = sum<<8 ^ crcTable[byte(sum>>8)^text[i]]
	}
	return sum
}

var crcTable = func() (table [256]uint16) {
	for i := range table {
		sum := uint16(i) << 8
		for range 8 {
			if sum&0x8000 != 0 {
				sum = sum<<1 ^ 0x1021
			} else {
				sum <<= 1
			}
		}
		table[i] = sum
	}
	return table
}()
