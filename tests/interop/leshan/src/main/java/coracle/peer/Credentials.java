package coracle.peer;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.List;

/**
 * The servers' own keys, from the options: {@code --key} (PKCS #8 DER) with either {@code --pub} (SPKI DER, raw public
 * key mode) or {@code --cert} (certificates of the chain, PEM or DER, leaf first) and {@code --trust} (authorities).
 * The last two are null where there are none.
 */
record Credentials(PrivateKey key, PublicKey publicKey, X509Certificate[] chain, Certificate[] trusted) {

    /** Null without {@code --key}: then only pre-shared keys work. */
    static Credentials of(Options options) {
        if (!options.has("key")) {
            return null;
        }
        PrivateKey key = privateKey(file(options, "key"));
        if (!options.has("cert")) {
            return new Credentials(key, publicKey(file(options, "pub")), null, null);
        }
        X509Certificate[] chain = certificates(file(options, "cert")).toArray(new X509Certificate[0]);
        Certificate[] trusted = options.has("trust")
                ? certificates(file(options, "trust")).toArray(new Certificate[0])
                : null;
        return new Credentials(key, null, chain, trusted);
    }

    private static byte[] file(Options options, String name) {
        try {
            return Files.readAllBytes(Path.of(options.text(name)));
        } catch (IOException e) {
            throw new BadCommand("option --%s: cannot read \"%s\": %s", name, options.text(name), e);
        }
    }

    private static PrivateKey privateKey(byte[] pkcs8) {
        try {
            return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        } catch (GeneralSecurityException e) {
            throw new BadCommand("the private key is not a PKCS #8 DER of an elliptic curve key: %s", e.getMessage());
        }
    }

    static PublicKey publicKey(byte[] spki) {
        try {
            return KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(spki));
        } catch (GeneralSecurityException e) {
            throw new BadCommand("the public key is not an SPKI DER of an elliptic curve key: %s", e.getMessage());
        }
    }

    private static List<X509Certificate> certificates(byte[] encoded) {
        try {
            return CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(encoded))
                    .stream().map(X509Certificate.class::cast).toList();
        } catch (GeneralSecurityException e) {
            throw new BadCommand("not an X.509 certificate: %s", e.getMessage());
        }
    }
}
