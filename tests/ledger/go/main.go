// Checks a published log with Go's golang.org/x/mod/sumdb/{note,tlog}, which share no line with Daypass.
//
//	independent log DIR [OLD...]          the checkpoint, every tile, every entry, consistency from each OLD
//	independent receipt DIR PROOF ENTRY   a .tlog-proof for the entry in the file ENTRY
//
// Exit 0 if it accepts, 1 if it refuses, 2 if it could not check.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: independent log|receipt DIR ...")
		os.Exit(2)
	}
	var err error
	switch os.Args[1] {
	case "log":
		err = checkLog(os.Args[2], os.Args[3:])
	case "receipt":
		err = checkReceipt(os.Args[2], os.Args[3], os.Args[4])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// open reads a checkpoint that the log's published key must have signed.
func open(dir string, raw []byte) (tlog.Tree, error) {
	vkey, err := os.ReadFile(filepath.Join(dir, "vkey"))
	if err != nil {
		return tlog.Tree{}, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(raw, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// path is where C2SP tlog-tiles puts a tile: without the height, and with x before all but the last three digits.
func path(t tlog.Tile) string {
	parts := strings.SplitN(t.Path(), "/", 3)
	return "tile/" + parts[2]
}

type reader struct{ dir string }

func (r reader) Height() int                          { return height }
func (r reader) SaveTiles(t []tlog.Tile, d [][]byte) {}
func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, t := range tiles {
		raw, err := os.ReadFile(filepath.Join(r.dir, path(t)))
		if err != nil {
			return nil, err
		}
		read = append(read, raw)
	}
	return read, nil
}

func bundle(dir string, n int64, width int) ([][]byte, error) {
	t := tlog.Tile{H: height, L: 0, N: n, W: width}
	raw, err := os.ReadFile(filepath.Join(dir, strings.Replace(path(t), "tile/0/", "tile/entries/", 1)))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(raw) > 0 {
		if len(raw) < 2 || len(raw) < 2+int(binary.BigEndian.Uint16(raw)) {
			return nil, errors.New("a bundle breaks off")
		}
		end := 2 + int(binary.BigEndian.Uint16(raw))
		entries, raw = append(entries, raw[2:end]), raw[end:]
	}
	if len(entries) != width {
		return nil, fmt.Errorf("bundle %d holds %d entries, not %d", n, len(entries), width)
	}
	return entries, nil
}

func checkLog(dir string, olds []string) error {
	raw, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := open(dir, raw)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, reader{dir})
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return fmt.Errorf("the tiles have the root %v", root)
	}
	if err := checkEntries(dir, tree, hashes); err != nil {
		return err
	}
	for _, old := range olds {
		if err := checkConsistency(dir, old, tree, hashes); err != nil {
			return fmt.Errorf("%s: %w", old, err)
		}
	}
	fmt.Println(tree.N, tree.Hash)
	return nil
}

func checkEntries(dir string, tree tlog.Tree, hashes tlog.HashReader) error {
	for n := int64(0); n<<height < tree.N; n++ {
		width := int(min(tree.N-n<<height, 1<<height))
		entries, err := bundle(dir, n, width)
		if err != nil {
			return err
		}
		var indexes []int64
		for i := range entries {
			indexes = append(indexes, tlog.StoredHashIndex(0, n<<height+int64(i)))
		}
		leaves, err := hashes.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i, entry := range entries {
			if tlog.RecordHash(entry) != leaves[i] {
				return fmt.Errorf("entry %d does not hash to its tile", n<<height+int64(i))
			}
		}
	}
	for _, index := range []int64{0, tree.N / 3, tree.N - 1} {
		if index < 0 || index >= tree.N {
			continue
		}
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		if err != nil {
			return err
		}
		leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf[0]); err != nil {
			return err
		}
	}
	return nil
}

func checkConsistency(dir, old string, tree tlog.Tree, hashes tlog.HashReader) error {
	raw, err := os.ReadFile(old)
	if err != nil {
		return err
	}
	before, err := open(dir, raw)
	if err != nil {
		return err
	}
	if before.N == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(tree.N, before.N, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash)
}

func checkReceipt(dir, proofFile, entryFile string) error {
	raw, err := os.ReadFile(proofFile)
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(entryFile)
	if err != nil {
		return err
	}
	head, checkpoint, found := bytes.Cut(raw, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(hash) != tlog.HashSize {
			return fmt.Errorf("not a hash: %q", line)
		}
		proof = append(proof, tlog.Hash(hash))
	}
	tree, err := open(dir, checkpoint)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}
