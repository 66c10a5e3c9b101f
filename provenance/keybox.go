package provenance

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The parts of GnuPG's keybox format that lead to its OpenPGP keys
// (kbx/keybox-blob.c in GnuPG describes it). Numbers are big endian.
const (
	keyboxHeaderSize = 32 // of the first blob
	keyboxMagic      = "KBXf"
	keyboxMagicAt    = 8

	blobFixedSize   = 20 // what every OpenPGP blob begins with
	blobTypeAt      = 4
	blobVersionAt   = 5
	blobFlagsAt     = 6
	blobKeyAt       = 8  // offset of the key block in the blob
	blobKeyLengthAt = 12 // its length

	blobTypeOpenPGP   = 2
	blobFlagEphemeral = 2 // the key is not part of the keyring
)

// isKeybox reports whether a file is a keybox.
func isKeybox(data []byte) bool {
	return len(data) >= keyboxHeaderSize && string(data[keyboxMagicAt:keyboxMagicAt+len(keyboxMagic)]) == keyboxMagic
}

// keyboxKeys gives the key blocks of a keybox, as parts of data.
func keyboxKeys(data []byte) ([][]byte, error) {
	var keys [][]byte
	for at := 0; at < len(data); {
		rest := data[at:]
		if len(rest) < blobTypeAt+1 {
			return nil, fmt.Errorf("keybox: cut off at byte %d", at)
		}
		size := binary.BigEndian.Uint32(rest)
		if size < blobTypeAt+1 || uint64(size) > uint64(len(rest)) {
			return nil, fmt.Errorf("keybox: the blob at byte %d says that it has %d bytes, of %d that are left", at, size, len(rest))
		}
		if rest[blobTypeAt] == blobTypeOpenPGP {
			key, err := blobKey(rest[:size])
			if err != nil {
				return nil, fmt.Errorf("keybox: the blob at byte %d: %w", at, err)
			}
			if key != nil {
				keys = append(keys, key)
			}
		}
		at += int(size)
	}
	return keys, nil
}

// blobKey gives the key block of an OpenPGP blob, nil if it does not count.
func blobKey(blob []byte) ([]byte, error) {
	if len(blob) < blobFixedSize {
		return nil, errors.New("too short")
	}
	if version := blob[blobVersionAt]; version != 1 && version != 2 {
		return nil, fmt.Errorf("version %d, known are 1 and 2", version)
	}
	if binary.BigEndian.Uint16(blob[blobFlagsAt:])&blobFlagEphemeral != 0 {
		return nil, nil
	}
	from := uint64(binary.BigEndian.Uint32(blob[blobKeyAt:]))
	length := uint64(binary.BigEndian.Uint32(blob[blobKeyLengthAt:]))
	if from < blobFixedSize || from+length > uint64(len(blob)) {
		return nil, errors.New("its key block is not inside it")
	}
	return blob[from : from+length], nil
}
