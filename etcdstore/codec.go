package etcdstore

import "github.com/imageshare/sharing/internal/packed"

// A packedValue is stored in a binary form, since decisions read it: some ten times faster than JSON and a
// third of its size. Its fields have neither names nor numbers: a change of them is a change of the layout.
type packedValue interface {
	// fields passes the address of each field to c, which writes it, or reads it.
	fields(c *packed.Codec)
}

func (v *aboutValue) fields(c *packed.Codec) {
	c.Number(&v.Sequence)
	shares := int64(v.Shares)
	c.Number(&shares)
	v.Shares = int(shares)
}

func (v *shareValue) fields(c *packed.Codec) {
	c.Number(&v.Generation)
	packed.Text(c, &v.Image)
	packed.Text(c, &v.Grantee)
	packed.State(c, &v.Status)
	c.Instant(&v.CreatedAt)
	c.Instant(&v.UpdatedAt)
	c.Instant(&v.Expires)
}

func (v *imageValue) fields(c *packed.Codec) {
	c.Number(&v.Generation)
	packed.Image(c, &v.ImageRecord)
}

func (v *instanceValue) fields(c *packed.Codec) { packed.Instance(c, &v.InstanceRecord) }
