/**
 * Roots that root programs have taken away, or have said that they will, with the day and who said so. Distributions follow by an
 * update of ca-certificates, months later and each on a day of its own; a node that was not updated trusts them until then. What
 * ends by itself before is not listed. By SHA-256 of the certificate.
 */

export interface LeavingRoot {
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly name: string;
  /** ISO 8601: the day on which the program takes or took it away. */
  readonly since: string;
  readonly source: string;
}

/** Trust for websites goes some 15 years after a key was made. Those to come are told by the day on which a certificate begins. */
const lifecycles = 'https://wiki.mozilla.org/CA/Root_CA_Lifecycles';
const nss = 'NSS 3.123.1, https://github.com/nodejs/node/commit/0d2e56f102';

function leaving(since: string, source: string, roots: readonly string[]): readonly LeavingRoot[] {
  return roots.map((root) => ({ sha256: root.slice(0, 64), name: root.slice(65), since, source }));
}

export const leavingRoots: readonly LeavingRoot[] = [
  ...leaving('2024-02-04', 'Debian ca-certificates 20240203 (Mozilla bundle 2.64)', [
    '873f4685fa7f563625252e6d36bcd7f16fc24951f264e47e1b954f4908cdca13 E-Tugra Global Root CA ECC v3',
    'ef66b0b10a3cdb9f2e3648c76bd2af18ead2bfe6f117655e28c4060da1a3f4c2 E-Tugra Global Root CA RSA v3',
    '5a885db19c01d912c5759388938cafbbdf031ab2d48e91ee15589b42971d039c TrustCor ECA-1',
    'd40e9c86cd8fe468c1776959f49ea774fa548684b6c406f3909261f4dce2575c TrustCor RootCert CA-1',
    '0753e940378c1bd5e3836e395daea5cb839e5046f1bd0eae1951cf10fec7c965 TrustCor RootCert CA-2',
    '57de0583efd2b26e0361da99da9df4648def7ee8441c3b728afa9bcde0f9b26a Autoridad de Certificacion Firmaprofesional CIF A62634068',
  ]),
  ...leaving('2025-04-15', lifecycles, [
    'd7a7a0fb5d7e2731d771e9484ebcdef71d5f0c3e0a2948782bc83ee0ea699ef4 Comodo AAA Services root',
    '6dc47172e01cbcb0bf62580d895fe2b8ac9ad4f873801e0c10b9c837d21eb177 Entrust.net Premium 2048 Secure Server CA',
    'ebd41040e4bb3ec742c9e381d31ef2a41a48b6685c96e7cef3c1df6cd4331c99 GlobalSign Root CA',
    'c3846bf24b9e93ca64274c0ec67c1ecc5e024ffcacd2d74019350e81fe546ae4 Go Daddy Class 2 CA',
    '1465fa205397b876faa6f0a9958e5590e40fcc7faa4fb7c2c8677521fb5fb658 Starfield Class 2 CA',
    'cecddc905099d8dadfc5b1d209b737cbe2c18cfb2c10c0ff0bcf0d3286fc1aa2 XRamp Global CA Root',
  ]),
  ...leaving('2025-04-19', 'Debian ca-certificates 20250419 (Mozilla bundle 2.74)', [
    'db3517d1f6732a2d5ab97c533ec70779ee3270a62fb4ac4238372460e6f01e88 Entrust Root Certification Authority - G4',
    'bf0feefb9e3a581ad5f9e9db7589985743d261085c4d314f6f5d7259aa421612 SecureSign RootCA11',
    '24a55c2ab051442d0617766541239a4ad032d7c55175aa34ffde2fbc4f5c5294 Security Communication RootCA3',
    'be6c4da2bbb9ba59b6f3939768374246c3c005993fa98f020d1dedbed48a81d5 SwissSign Silver CA - G2',
  ]),
  ...leaving('2026-02-23', 'Debian ca-certificates 20260223 (Mozilla bundle 2.82)', [
    '11437cda7bb45e41365f45b39a38986b0de00def348e0c7bb0873633800bc38b CommScope Public Trust ECC Root-01',
    '2ffb7f813bbbb3c89ab4e8162d0f16d71509a830cc9d73c262e5140875d1ad4a CommScope Public Trust ECC Root-02',
    '02bdf96e2a45dd9bf18fc7e1dbdf21a0379ba3c9c2610344cfd8d606fec1ed81 CommScope Public Trust RSA Root-01',
    'ffe943d793424b4f7c440c1c3d648d5363f34b82dc87aa7a9f118fc5dee101f1 CommScope Public Trust RSA Root-02',
  ]),
  ...leaving('2026-05-21', nss, [
    '0376ab1d54c5f9803ce4b2e201a0ee7eef7b57b636e8a93c9b8d4860c96f5fa7 AffirmTrust Commercial',
    '0a81ec5a929777f145904af38d5d509f66b5e2c58fcdb531058b0e17f3f0b41b AffirmTrust Networking',
    '70a73f7f376b60074248904534b11482d5bf0e698ecc498df52577ebf2e93b9a AffirmTrust Premium',
    'bd71fdf6da97e4cf62d1647add2581b07d79adf8397eb4ecba9c5e8488821423 AffirmTrust Premium ECC',
    '0c2cd63df7806fa399ede809116b575bf87989f06518f9808c860503178baf66 COMODO Certification Authority',
    'e3b6a2db2ed7ce48842f7ac53241c7b71d54144bfb40c11f3f1d0b42f5eea12d Certigna',
    'eaa962c4fa4a6bafebe415196d351ccd888d4f53f3fa8ae6d7c466a94e6042bb certSIGN ROOT CA',
    '3e9099b5015e8f486c00bcea9d111ee721faba355a89bcf1df69561e3dc6325c DigiCert Assured ID Root CA',
    '4348a0e9444c78cb265e058d5e8944b4d84f9662bd26db257f8934a443c70161 DigiCert Global Root CA',
    '7431e5f4c3c1ce4690774f0b61e05440883ba9a01ed00ba6abd7806ed3b118cf DigiCert High Assurance EV Root CA',
    '02ed0eb28c14da45165c566791700d6451d7fb56f0b2ab1d3b8eb070e56edff5 Entrust Root Certification Authority - EC1',
    '43df5774b03e7fef5fe40d931a7bedf1bb2e6b42738c4e6d3841103d3aa7f339 Entrust Root Certification Authority - G2',
    'bef256daf26e9c69bdec1602359798f3caf71821a03e018257c53c65617f3d4a FIRMAPROFESIONAL CA ROOT-A WEB',
    '9a296a5182d1d451a2e37f439b74daafa267523329f90f9a0d2007c334e23c9a GLOBALTRUST 2020',
    '8d25cd97229dbf70356bda4eb3cc734031e24cf00fafcfd32dc76eb5841c7ea8 GTS Root R2',
    '85a0dd7dd720adb7ff05f83d542b209dc7ff4528f7d677b18389fea5e5c49e86 QuoVadis Root CA 2',
    '18f1fc7f205df8adddeb7fe007dd57e3af375a9c4d8d73546bf4f1fed1e18d35 QuoVadis Root CA 3',
    'f1c1b50ae5a20dd8030ec9f6bc24823dd367b5255759b4e71b61fce9f7375d73 SecureTrust CA',
    '4200f5043ac8590ebb527d209ed1503029fbcbd41ca1b506ec27f15ade7dac69 Secure Global CA',
    '62dd0be9b9f50a163ea0f8e75c053b1eca57ea55c8688f647c6881f2c8357b95 SwissSign Gold CA - G2',
    'dd6936fe21f8f077c123a1a521c12224f72255b73e03a7260693e8a24b0fa389 TeliaSonera Root CA v1',
    '97552015f5ddfc3c8788c006944555408894450084f100867086bc1a2bb58dc8 Trustwave Global Certification Authority',
    '945bbc825ea554f489d1fd51a73ddf2ea624ac7019a05205225c22a78ccfa8b4 Trustwave Global ECC P256 Certification Authority',
    '55903859c8c0c3ebb8759ece4e2557225ff5758bbd38ebd48276601e1bd58097 Trustwave Global ECC P384 Certification Authority',
  ]),
  ...leaving('2026-08-16', 'Debian ca-certificates 20260816 (Mozilla bundle 2.90)', [
    'f356bea244b7a91eb35d53ca9ad7864ace018e2d35d5f8f96ddf68a6f41aa474 Atos TrustedRoot 2011',
    '3f034bb5704d44b2d08545a02057de93ebf3905fce721acbc730c06ddaee904e SecureSign Root CA12',
    'c0a6f4dc63a24bfdcf54ef2a6a082a0a72de35803e2ff5ff527ae5d87206dfd5 ePKI Root Certification Authority',
  ]),
  ...leaving('2026-10-20', 'Debian ca-certificates 20260816+nmu1 (https://bugs.debian.org/1151413)', [
    '86a1ecba089c4a8d3bbe2734c612ba341d813e043cf9e8a862cd5c57a36bbe6b emSign ECC Root CA - G3',
  ]),
  ...leaving('2027-04-15', lifecycles, [
    'ebc5570c29018c4d67b1aa127baf12f703b4611ebc17b7dab5573894179b93fa AC RAIZ FNMT-RCM',
    '1793927a0614549789adce2f8f34f7f0b66d0f3ae3a3b84d21ec15dbba4fadc7 COMODO ECC Certification Authority',
    '5c58468d55f58e497e743982d2b50010b6d165374acf83a7d4a32db768c4408e Certum Trusted Network CA',
    '49e7a442acf0ea6287050054b52564b650e4f49e42e348d6aa38e039e957b1c1 D-TRUST Root Class 3 CA 2 2009',
    'eec5496b988ce98625b934092eec2908bed0b0f316c2d4730c84eaf1f3d34881 D-TRUST Root Class 3 CA 2 EV 2009',
    'cbb522d7b7f127ad6a0113865bdf1cd4102e7d0759af635a7cf4720dc963c53b GlobalSign Root CA - R3',
    '45140b3247eb9cc8c5b4f0d7b53091f73292089e6e5a63e2749dd3aca9198eda Go Daddy Root Certificate Authority - G2',
    '3c5f81fea5fab82c64bfa2eaecafcde8e077fc8620a7cae537163df36edbf378 Microsec e-Szigno Root CA 2009',
    '6c61dac3a2def031506be036d2a6fe401994fbd13df9c8d466599274c446ec98 NetLock Arany =Class Gold= Főtanúsítvány',
    '513b2cecb810d4cde5dd85391adfc6c2dd60d87bb736d2b521484aa47a0ebef6 Security Communication RootCA2',
    '2ce1cb0bf9d2f9e102993fbe215152c3b2dd0cabde1c68e5319b839154dbb7f5 Starfield Root Certificate Authority - G2',
    '568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5 Starfield Services Root Certificate Authority - G2',
    '91e2f5788d5810eba7ba58737de1548a8ecacd014598bc0b143e041b17052552 T-TeleSec GlobalRoot Class 2',
    'fd73dad31c644ff1b43bef0ccdda96710b9cd9875eca7e31707af3e96d522bbd T-TeleSec GlobalRoot Class 3',
    'bfd88fe1101c41ae3e801bf8be56350ee9bad1a6b9bd515edc5c6d5b8711ac44 TWCA Root Certification Authority',
  ]),
  ...leaving('2028-04-15', lifecycles, [
    '9a6ec012e1a7da9dbe34194d478ad7c0db1822fb071df12981496ed104384113 ACCVRAIZ1',
    '55926084ec963a64b96e2abe01ce0ba86a64fbfebcc7aab5afc155b37fd76066 Actalis Authentication Root CA',
    '9a114025197c5bb95d94e63d55cd43790847b646b23cdf11ada4a00eff15fb48 Buypass Class 2 Root CA',
    'edf7ebbca27a2a384d387b7d4010c666e2edb4843e4c29b4ae1d5b9332e6b24d Buypass Class 3 Root CA',
    '52f0e1c4e58ec629291b60317f074671b85d7ea80d5b07273463534b32b40234 COMODO RSA Certification Authority',
    'b676f2eddae8775cd36cb0f63cd1d4603961f49e6265ba013a2f0307b6d0b804 Certum Trusted Network CA 2',
    '4ff460d54b9c86dabfbcfc5712e0400d2bed3fbc4d4fbdaa86e06adcd2a9ad7a USERTrust ECC Certification Authority',
    'e793c9b02fd8aa13e21c31228accb08119643b749c898964b1746d46c3d4cbd2 USERTrust RSA Certification Authority',
  ]),
];
