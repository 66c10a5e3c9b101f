//go:build !unix

package repo

// mapIndexFile reads a file.
func mapIndexFile(path string) (data []byte, release func(), err error) {
	data, err = readIndexFile(path)
	return data, func() {}, err
}
