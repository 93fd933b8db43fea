// compose.yaml runs this once, on an empty volume: the server's user, who reaches one database.
db.getSiblingDB("admin").createUser({
  user: "skinapi",
  pwd: process.env.MONGO_PASSWORD,
  roles: [{ role: "readWrite", db: "skinapi" }],
});
